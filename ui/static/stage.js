// The stage: shows one job from noise to pictures, and the pictures before it. The job belongs to the server; this module
// draws the state that the server sends (its form: ui/stream.py) and keeps nothing that a reload would lose.

import { Lightbox } from "./lightbox.js";
import { thumbnail } from "./picture.js";
import { Tile } from "./tile.js";
import { LOADING, announcement, statusOf, timeLeft } from "./words.js";

const PARTS = ["alert", "tiles", "empty", "title", "progress", "status", "time", "bar", "note", "live", "earlier", "strip"];
const EARLIER = 12; // pictures shown

export function mount(element, props, watch) {
  const stage = new Stage(element, props);
  watch("value", () => stage.answer(props.value));
  stage.restore();
}

const unfinished = (job) => job?.state === "queued" || job?.state === "running";
const at = (path) => new URL(`studio/${path}`, document.baseURI);

class Stage {
  constructor(element, props) {
    this.props = props;
    this.root = element.querySelector("[data-task]");
    this.task = this.root.dataset.task;
    this.part = Object.fromEntries(PARTS.map((name) => [name, element.querySelector(`[data-part=${name}]`)]));
    this.lightbox = new Lightbox(element.querySelector("dialog"));
    this.tiles = new Map(); // index of a picture -> its Tile
    this.job = null;
    this.before = []; // earlier pictures, newest first
    this.windows = new BroadcastChannel(`latent-studio:${this.task}`);
    this.windows.addEventListener("message", () => this.refresh());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.refresh());
  }

  // What the Generate handler returned: a job to follow, or a sentence for the person.
  answer(value) {
    if (value?.error) this.complain(value.error);
    else if (value?.job && value.job !== this.job?.id) {
      this.complain("");
      this.windows.postMessage(value.job);
      this.follow(value.job);
    }
  }

  // After loading the page: the running job or the last results, and what the model is doing.
  async restore() {
    const state = await this.state();
    this.root.dataset.ready = "";
    if (!state) return;
    this.showEarlier(state.earlier);
    if (state.job && !this.job) this.follow(state.job);
    this.showModel(state.model);
  }

  // Another window may have started a job: follow it, unless this page is busy with one.
  async refresh() {
    if (unfinished(this.job)) return;
    const state = await this.state();
    if (state?.job && state.job !== this.job?.id && !unfinished(this.job)) this.follow(state.job);
  }

  async state() {
    const answer = await fetch(at(this.task)).catch(() => null);
    return answer?.ok ? answer.json() : null;
  }

  async showModel(model) {
    this.model = model.state;
    if (!unfinished(this.job)) {
      this.part.progress.dataset.state = model.state;
      this.say(model.state === "loading" ? LOADING : model.text || (this.job ? statusOf(this.job) : ""), "");
    }
    if (model.state !== "loading") return;
    await new Promise((done) => setTimeout(done, 700));
    const state = await this.state();
    if (state) this.showModel(state.model);
  }

  follow(id) {
    this.events?.close();
    if (this.job) this.showEarlier([...this.job.pictures, ...this.before].map(demoted));
    for (const tile of this.tiles.values()) tile.remove();
    this.tiles.clear();
    this.job = { id, state: "new", pictures: [], count: 1 };
    Object.assign(this.root.dataset, { job: id, state: "new" });
    this.props.value = { job: id }; // what the Stop button names
    this.events = new EventSource(at(`jobs/${id}/events`));
    this.events.addEventListener("job", (event) => this.update(JSON.parse(event.data)));
    this.events.addEventListener("progress", (event) => this.update({ ...this.job, ...JSON.parse(event.data) }));
    this.events.addEventListener("preview", (event) => this.preview(JSON.parse(event.data)));
    this.events.addEventListener("end", () => this.events.close());
    this.events.addEventListener("error", () => unfinished(this.job) && this.say("The connection is lost; trying again …", ""));
  }

  update(job) {
    const before = this.job;
    this.job = job;
    const running = unfinished(job);
    this.root.dataset.state = job.state;
    document.documentElement.dataset.studio = running ? "busy" : "idle";
    this.part.empty.hidden = running || job.pictures.length > 0;
    this.part.title.textContent = job.prompt;
    this.part.title.hidden = !job.prompt || this.part.empty.hidden === false;
    this.part.tiles.dataset.columns = job.count === 1 ? 1 : job.count <= 4 ? 2 : job.count <= 9 ? 3 : "many";
    if (job.pictures.length) this.root.dataset.seed = job.pictures[0].seed; // for the Reuse button
    for (const [index, picture] of job.pictures.entries()) this.tile(index).finish(picture, (tile) => this.enlarge(tile));
    if (job.pictures.length && !before.pictures.length) this.showEarlier(this.before.map(demoted));
    if (running && !this.tiles.size) this.tile(0);
    if (!running) this.dropUnfinished();
    this.showProgress(job, running);
    this.part.note.textContent = job.note;
    this.part.note.hidden = !job.note;
    if (job.state !== before.state) this.turn(job, before);
  }

  // The story has a new chapter: queued, running, or over.
  async turn(job, before) {
    const arrived = before.state === "new" && !unfinished(job); // over before this page was opened: nothing happens now
    if (!arrived) this.part.live.textContent = announcement(job);
    if (job.state === "failed") arrived ? this.say(`Not drawn: ${job.error}`, "") : this.complain(job.error);
    if (before.state === "queued" && before.position) {
      const state = await this.state(); // the job before this one may have been ours
      if (state && this.job.id === job.id) this.showEarlier(state.earlier);
    }
    if (job.state === "stopped" && !arrived) this.refresh();
  }

  preview({ first, step, images }) {
    for (const [offset, image] of images.entries()) {
      const which = this.job.count > 1 ? ` ${first + offset + 1} of ${this.job.count}` : "";
      const alt = `Preview${which}: step ${step} of ${this.job.steps}`;
      this.tile(first + offset).preview(image, alt, step / this.job.steps, images.length > 4);
    }
  }

  tile(index) {
    if (!this.tiles.has(index)) {
      const tile = new Tile(this.job);
      const next = Math.min(...[...this.tiles.keys()].filter((other) => other > index));
      this.part.tiles.insertBefore(tile.figure, this.tiles.get(next)?.figure ?? null);
      this.tiles.set(index, tile);
    }
    return this.tiles.get(index);
  }

  dropUnfinished() {
    for (const [index, tile] of this.tiles) {
      if (tile.picture) continue;
      tile.remove();
      this.tiles.delete(index);
    }
  }

  enlarge(tile) {
    const index = [...this.tiles.entries()].sort((a, b) => a[0] - b[0]).map((entry) => entry[1]).indexOf(tile);
    this.lightbox.open(this.job.pictures, index);
  }

  showEarlier(pictures) {
    this.before = pictures.slice(0, EARLIER);
    this.part.earlier.hidden = !this.before.length;
    this.part.strip.replaceChildren(
      ...this.before.map((picture, index) => thumbnail(picture, () => this.lightbox.open(this.before, index))),
    );
  }

  showProgress(job, running) {
    const { progress, bar } = this.part;
    const text = statusOf(job, this.model);
    const time = job.state === "running" && job.step ? timeLeft(job.seconds_left) : "";
    this.say(text, time);
    progress.dataset.state = running ? "busy" : job.state;
    bar.hidden = !running;
    bar.setAttribute("aria-valuemax", job.steps || 1);
    bar.setAttribute("aria-valuenow", job.step);
    bar.setAttribute("aria-valuetext", [text, time].filter(Boolean).join(", "));
    bar.style.setProperty("--done", job.steps ? job.step / job.steps : 0);
    bar.classList.toggle("waiting", !job.step);
  }

  say(text, time) {
    this.part.status.textContent = text;
    this.part.time.textContent = time;
  }

  complain(sentence) {
    this.part.alert.replaceChildren();
    markField(sentence);
    if (!sentence) return;
    const alert = document.createElement("p");
    alert.setAttribute("role", "alert");
    alert.textContent = sentence;
    this.part.alert.append(alert);
    alert.scrollIntoView({ block: "nearest" });
  }
}

// The pictures of the job on the stage are its results; once another job takes the stage they are earlier ones.
function demoted(picture) {
  return { ...picture, alt: picture.alt.replace(/^Result/, "Earlier picture") };
}

// The sentence about a wrong value begins with the name of its field.
function markField(sentence) {
  for (const input of document.querySelectorAll(".field input")) {
    const name = input.labels[0]?.textContent;
    if (sentence && name && sentence.startsWith(name)) input.setAttribute("aria-invalid", "true");
  }
}
