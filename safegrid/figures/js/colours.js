/* Every colour that a number can have. A board lies on the same paper in a light and in a dark theme, so that a layer
   looks the same everywhere; `safegrid.figures.style` draws with the same colours. */

export const INK = { blue: "#0072b2", orange: "#e69f00", red: "#d55e00" }; // Okabe & Ito 2008
export const PAPER = "#f7f5f0";

const SHADES = {
  presence: ramp([PAPER, INK.blue]),
  rising: ramp([
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725", // viridis
  ]),
  balance: ramp(["#00446f", "#0072b2", "#6aaed6", "#c6dcec", "#f4f1ea", "#f6d5b5", "#ec9a52", "#d55e00", "#8a3c00"]),
};

/* The colour of a share in 0…1. */
export function shade(palette, share) {
  const inside = Math.min(1, Math.max(0, share));
  return SHADES[palette][Math.round(100 * inside)];
}

/* 101 colours from the first stop to the last. */
function ramp(stops) {
  return Array.from({ length: 101 }, (_, i) => {
    const at = (i / 100) * (stops.length - 1);
    const k = Math.min(Math.floor(at), stops.length - 2);
    const from = channels(stops[k]);
    const to = channels(stops[k + 1]);
    const mixed = from.map((c, j) => Math.round(c + (at - k) * (to[j] - c)));
    return `rgb(${mixed.join(" ")})`;
  });
}

function channels(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}
