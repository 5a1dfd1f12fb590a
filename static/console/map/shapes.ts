/** The marks of the map, drawn around a point in CSS pixels. */
import type { Palette } from './palette.ts';

type Canvas = CanvasRenderingContext2D;

export interface XY {
  x: number;
  y: number;
}

/** A store: a rounded tile with an awning; hollow when closed. Pips under it are its open orders. */
export function store(c: Canvas, at: XY, look: { open: boolean; pips: string[]; chosen: boolean; ringing: boolean; beat: number }, p: Palette): void {
  if (look.ringing) ring(c, at, 14 + look.beat * 9, p.alarm, 1 - look.beat);
  const half = 9;
  c.beginPath();
  c.roundRect(at.x - half, at.y - half, half * 2, half * 2, 5);
  c.fillStyle = look.open ? p.ink : p.paper;
  c.strokeStyle = look.chosen ? p.accent : look.open ? p.paper : p.faint;
  c.lineWidth = look.chosen ? 3 : 1.5;
  c.fill();
  c.stroke();
  c.beginPath();
  c.moveTo(at.x - 5.5, at.y - 1);
  c.lineTo(at.x - 4, at.y - 5);
  c.lineTo(at.x + 4, at.y - 5);
  c.lineTo(at.x + 5.5, at.y - 1);
  c.closePath();
  c.rect(at.x - 4, at.y + 0.5, 8, 4.5);
  c.fillStyle = look.open ? p.paper : p.faint;
  c.fill();
  const width = look.pips.length * 6;
  look.pips.forEach((colour, i) => dot(c, { x: at.x - width / 2 + 3 + i * 6, y: at.y + half + 5 }, 2.6, colour, p.paper));
}

/** A rider: a disc with an arrow in riding direction; filled when carrying or fetching something, pale on a break. */
export function rider(c: Canvas, at: XY, look: { hdg: number; busy: boolean; resting: boolean; chosen: boolean; load: number }, p: Palette): void {
  if (look.chosen) ring(c, at, 16, p.accent, 1, 3);
  c.save();
  c.translate(at.x, at.y);
  c.globalAlpha = look.resting ? 0.55 : 1;
  c.shadowColor = 'rgb(0 0 0 / 30%)';
  c.shadowBlur = 4;
  c.beginPath();
  c.arc(0, 0, 10.5, 0, 2 * Math.PI);
  c.fillStyle = look.busy ? p.accent : p.paper;
  c.fill();
  c.shadowBlur = 0;
  c.lineWidth = 2;
  c.strokeStyle = look.busy ? p.paper : look.resting ? p.faint : p.accent;
  c.stroke();
  c.fillStyle = look.busy ? p.paper : look.resting ? p.faint : p.accent;
  if (look.resting) {
    c.fillRect(-3.5, -4, 2.5, 8);
    c.fillRect(1, -4, 2.5, 8);
  } else {
    c.rotate((look.hdg * Math.PI) / 180);
    c.beginPath();
    c.moveTo(0, -6.5);
    c.lineTo(4.6, 5.2);
    c.lineTo(0, 2.6);
    c.lineTo(-4.6, 5.2);
    c.closePath();
    c.fill();
  }
  c.restore();
  if (look.load > 1) badge(c, { x: at.x + 9, y: at.y - 9 }, String(look.load), p);
}

/** A drop-off: a pin in the colour of the order's phase. */
export function dropoff(c: Canvas, at: XY, colour: string, look: { chosen: boolean; dim: boolean }, p: Palette): void {
  const r = look.chosen ? 8.5 : 6.5;
  c.save();
  c.globalAlpha = look.dim ? 0.5 : 1;
  c.beginPath();
  c.moveTo(at.x, at.y);
  c.bezierCurveTo(at.x - r * 0.5, at.y - r * 0.9, at.x - r, at.y - r * 1.2, at.x - r, at.y - r * 2);
  c.arc(at.x, at.y - r * 2, r, Math.PI, 0);
  c.bezierCurveTo(at.x + r, at.y - r * 1.2, at.x + r * 0.5, at.y - r * 0.9, at.x, at.y);
  c.fillStyle = colour;
  c.strokeStyle = look.chosen ? p.accent : p.paper;
  c.lineWidth = look.chosen ? 3 : 1.5;
  c.fill();
  c.stroke();
  dot(c, { x: at.x, y: at.y - r * 2 }, r * 0.36, p.paper);
  c.restore();
}

export function line(c: Canvas, points: XY[], colour: string, look: { width: number; alpha: number; dash?: number[] }): void {
  if (points.length < 2) return;
  c.save();
  c.globalAlpha = look.alpha;
  c.strokeStyle = colour;
  c.lineWidth = look.width;
  c.lineJoin = c.lineCap = 'round';
  c.setLineDash(look.dash ?? []);
  c.beginPath();
  points.forEach((point, i) => (i === 0 ? c.moveTo(point.x, point.y) : c.lineTo(point.x, point.y)));
  c.stroke();
  c.restore();
}

/** A name beside a mark, readable on any ground. */
export function label(c: Canvas, at: XY, text: string, p: Palette): void {
  c.font = '500 11px system-ui, sans-serif';
  c.textAlign = 'center';
  c.textBaseline = 'bottom';
  c.lineJoin = 'round';
  c.lineWidth = 3;
  c.strokeStyle = p.ground;
  c.strokeText(text, at.x, at.y);
  c.fillStyle = p.ink;
  c.fillText(text, at.x, at.y);
}

export function number(c: Canvas, at: XY, text: string, p: Palette): void {
  dot(c, at, 8, p.accent, p.paper);
  c.font = '600 10px system-ui, sans-serif';
  c.textAlign = 'center';
  c.textBaseline = 'middle';
  c.fillStyle = p.paper;
  c.fillText(text, at.x, at.y + 0.5);
}

function badge(c: Canvas, at: XY, text: string, p: Palette): void {
  dot(c, at, 6.5, p.ink, p.paper);
  c.font = '600 9px system-ui, sans-serif';
  c.textAlign = 'center';
  c.textBaseline = 'middle';
  c.fillStyle = p.paper;
  c.fillText(text, at.x, at.y + 0.5);
}

function dot(c: Canvas, at: XY, radius: number, fill: string, stroke?: string): void {
  c.beginPath();
  c.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  c.fillStyle = fill;
  c.fill();
  if (stroke === undefined) return;
  c.strokeStyle = stroke;
  c.lineWidth = 1.5;
  c.stroke();
}

function ring(c: Canvas, at: XY, radius: number, colour: string, alpha: number, width = 2): void {
  c.save();
  c.globalAlpha = alpha;
  c.beginPath();
  c.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  c.strokeStyle = colour;
  c.lineWidth = width;
  c.stroke();
  c.restore();
}
