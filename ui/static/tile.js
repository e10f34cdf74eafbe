// One picture on the stage: grain, then previews that morph into each other, then the result.

import { Grain, morph } from "./morph.js";
import { downloadLink, element, seedButton } from "./picture.js";

export class Tile {
  constructor(job) {
    this.figure = element("figure", "tile");
    this.pane = element("div", "pane");
    const canvas = element("canvas");
    canvas.setAttribute("aria-hidden", "true");
    this.pane.append(canvas);
    this.caption = element("figcaption");
    this.figure.append(this.pane, this.caption);
    this.grain = new Grain(canvas);
    this.shape(job.width || 1, job.height || 1);
    this.picture = null;
  }

  shape(width, height) {
    this.figure.style.setProperty("--ratio", width / height);
  }

  // share: how much of the work is done, 0..1. quick: without fading, where many pictures change at once.
  preview(url, alt, share, quick) {
    if (this.picture) return;
    if (!this.front) {
      this.front = element("img");
      this.grain.canvas.before(this.front);
    }
    this.front.alt = alt;
    morph(this.pane, this.front, url, quick);
    this.grain.fade(share);
  }

  finish(picture, enlarge) {
    if (this.picture) return;
    this.picture = picture;
    this.shape(picture.width, picture.height);
    const button = element("button", "enlarge");
    button.type = "button";
    button.title = "Enlarge";
    const image = element("img");
    image.alt = picture.alt;
    button.append(image);
    button.addEventListener("click", () => enlarge(this));
    this.pane.append(button);
    if (this.front) this.front.alt = "";
    morph(this.pane, image, picture.url).then(() => {
      this.front?.remove();
      this.grain.stop();
    });
    this.caption.append(seedButton(picture), downloadLink(picture));
  }

  remove() {
    this.grain.stop();
    this.figure.remove();
  }
}
