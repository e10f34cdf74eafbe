// Ctrl+Enter (on a Mac also Cmd+Enter), wherever the focus is: Generate.

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  const visible = [...document.querySelectorAll("button.primary")].find((button) => button.offsetParent !== null);
  visible?.click();
});
