// What belongs to one finished picture wherever it is shown: its seed, its file, its small version.

export function seedButton(picture) {
  const button = element("button", "quiet seed");
  button.type = "button";
  button.title = "Copy this seed";
  const words = element("span");
  words.textContent = `Seed ${picture.seed}`;
  button.append(words);
  button.addEventListener("click", () => copy(words, picture.seed));
  return button;
}

export function downloadLink(picture) {
  const link = element("a", "quiet");
  link.href = picture.url;
  link.download = picture.name;
  link.textContent = "Download";
  return link;
}

export function thumbnail(picture, open) {
  const button = element("button", "thumbnail");
  button.type = "button";
  const image = element("img");
  image.src = picture.url;
  image.loading = "lazy";
  image.alt = picture.alt;
  button.append(image);
  button.addEventListener("click", open);
  return button;
}

export function element(name, className = "") {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

async function copy(words, seed) {
  const before = words.textContent;
  words.textContent = (await write(seed)) ? "Seed copied" : "Copying is not allowed here";
  setTimeout(() => (words.textContent = before), 1500);
}

// The clipboard interface exists only on secure pages (https, or this computer).
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", "unseen");
    area.value = text;
    const dialog = document.querySelector("dialog[open]");
    (dialog ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
