// A picture, as large as the window allows. A <dialog>: Escape closes it, focus stays inside and returns where it was.

import { downloadLink, seedButton } from "./picture.js";

export class Lightbox {
  constructor(dialog) {
    this.dialog = dialog;
    for (const name of ["image", "words", "actions", "close", "previous", "next"])
      this[name] = dialog.querySelector(`[data-part=${name}]`);
    this.close.addEventListener("click", () => dialog.close());
    this.previous.addEventListener("click", () => this.turn(-1));
    this.next.addEventListener("click", () => this.turn(1));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) this.turn(by);
    });
  }

  open(pictures, index) {
    this.pictures = pictures;
    this.index = index;
    this.previous.hidden = this.next.hidden = pictures.length < 2;
    this.show();
    this.dialog.showModal();
  }

  turn(by) {
    this.index = (this.index + by + this.pictures.length) % this.pictures.length;
    this.show();
  }

  show() {
    const picture = this.pictures[this.index];
    this.image.src = picture.url;
    this.image.alt = `Enlarged picture: ${picture.prompt}`;
    this.dialog.style.setProperty("--ratio", picture.width / picture.height);
    this.dialog.style.setProperty("--most", `${4 * picture.width}px`); // beyond that there is nothing more to see
    this.words.textContent = picture.prompt;
    this.actions.replaceChildren(seedButton(picture), downloadLink(picture));
  }
}
