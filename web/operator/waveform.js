/** Draws the loudness of both sides on a canvas: the caller above, the agent below. */

const BAR_PX = 2;
const GAP_PX = 1;
const ALPHA_UNPLAYED = 0.42;

/**
 * The loudest level of each bar.
 *
 * @param {Uint8Array} levels
 * @param {number} bucketS
 * @param {import("./span.js").Span} span
 * @param {number} bars
 * @returns {Float32Array}  From 0 to 1.
 */
export function heights(levels, bucketS, span, bars) {
  const found = new Float32Array(bars);
  const perBar = (span.to - span.from) / bars / bucketS;
  const first = span.from / bucketS;
  for (let bar = 0; bar < bars; bar += 1) {
    const start = Math.floor(first + bar * perBar);
    const end = Math.max(Math.floor(first + (bar + 1) * perBar), start + 1);
    let loudest = 0;
    for (let bucket = start; bucket < end && bucket < levels.length; bucket += 1) {
      loudest = Math.max(loudest, levels[bucket] ?? 0);
    }
    found[bar] = Math.sqrt(loudest / 255); // soft speech can be seen
  }
  return found;
}

export class WaveformView {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {{bucketS: number, caller: Uint8Array, agent: Uint8Array} | null} */
    this.waveform = null;
    /** @type {{key: string, caller: Float32Array, agent: Float32Array} | null} */
    this.bars = null;
  }

  /**
   * @param {import("./span.js").Span} span
   * @param {number} at  What is before it has been played.
   */
  draw(span, at) {
    const { canvas, waveform } = this;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    const pen = canvas.getContext("2d");
    if (!pen || !width) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const colours = getComputedStyle(canvas);
    const middle = height / 2;
    pen.fillStyle = colours.getPropertyValue("--line");
    pen.fillRect(0, middle - 0.5, width, 1);
    if (!waveform) return;
    const count = Math.max(Math.floor(width / (BAR_PX + GAP_PX)), 1);
    const bars = this.barsOf(waveform, span, count);
    const played = ((at - span.from) / (span.to - span.from)) * count;
    const half = middle / 2 - 6;
    this.drawSide(pen, bars.caller, { centre: middle / 2, half, played, colour: colours.getPropertyValue("--caller") });
    this.drawSide(pen, bars.agent, { centre: middle * 1.5, half, played, colour: colours.getPropertyValue("--agent") });
    pen.globalAlpha = 1;
  }

  /**
   * @param {{bucketS: number, caller: Uint8Array, agent: Uint8Array}} waveform
   * @param {import("./span.js").Span} span
   * @param {number} count
   */
  barsOf({ bucketS, caller, agent }, span, count) {
    const key = `${span.from} ${span.to} ${count}`;
    if (this.bars?.key !== key) {
      this.bars = { key, caller: heights(caller, bucketS, span, count), agent: heights(agent, bucketS, span, count) };
    }
    return this.bars;
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Float32Array} bars
   * @param {{centre: number, half: number, played: number, colour: string}} how
   */
  drawSide(pen, bars, { centre, half, played, colour }) {
    pen.fillStyle = colour;
    bars.forEach((level, bar) => {
      const tall = Math.max(level * half, 0.75);
      pen.globalAlpha = bar < played ? 1 : ALPHA_UNPLAYED;
      pen.fillRect(bar * (BAR_PX + GAP_PX), centre - tall, BAR_PX, 2 * tall);
    });
  }
}
