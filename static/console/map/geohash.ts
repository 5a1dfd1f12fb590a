/** Geohash cells: the grid under the map is the grid of the hub's pools. */
const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz';

/** Width and height of a cell in degrees. */
export function cellSize(characters: number): { lat: number; lng: number } {
  const bits = characters * 5;
  return { lat: 180 / 2 ** Math.floor(bits / 2), lng: 360 / 2 ** Math.ceil(bits / 2) };
}

export function geohash(lat: number, lng: number, characters: number): string {
  const range = { lat: [-90, 90], lng: [-180, 180] };
  let text = '';
  let value = 0;
  for (let bit = 0; bit < characters * 5; bit++) {
    const [axis, at] = bit % 2 === 0 ? (['lng', lng] as const) : (['lat', lat] as const);
    const span = range[axis] as [number, number];
    const middle = (span[0] + span[1]) / 2;
    const upper = at >= middle;
    span[upper ? 0 : 1] = middle;
    value = value * 2 + (upper ? 1 : 0);
    if (bit % 5 === 4) {
      text += ALPHABET[value];
      value = 0;
    }
  }
  return text;
}
