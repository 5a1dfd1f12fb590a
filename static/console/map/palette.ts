/** The map's colours, read from the style sheet so that light and dark live in one place. */
import type { Phase } from '../words.ts';

export interface Palette {
  ground: string;
  grid: string;
  gridText: string;
  ink: string;
  paper: string;
  faint: string;
  accent: string;
  alarm: string;
  phase: Record<Phase, string>;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const get = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ground: get('--map-ground'),
    grid: get('--map-grid'),
    gridText: get('--map-grid-text'),
    ink: get('--map-ink'),
    paper: get('--map-paper'),
    faint: get('--map-faint'),
    accent: get('--accent'),
    alarm: get('--phase-new'),
    phase: {
      unpaid: get('--phase-unpaid'),
      new: get('--phase-new'),
      kitchen: get('--phase-kitchen'),
      ready: get('--phase-ready'),
      onway: get('--phase-onway'),
      done: get('--phase-done'),
      ended: get('--phase-ended'),
    },
  };
}
