/** The canvas that lies over the whole map pane and follows its pans and zooms. */
import L from 'leaflet';
import { readPalette, type Palette } from './palette.ts';
import { hitAt, Scene, type Frame, type View } from './scene.ts';
import type { City } from '../model/city.ts';
import type { Selected } from '../model/live.ts';

export interface LayerSource {
  city(): City;
  selected(): Selected | undefined;
}

/** Movement looks smooth at 30 frames a second and costs half of 60. */
const FRAME_MS = 33;

export class CityLayer extends L.Layer {
  readonly #canvas = document.createElement('canvas');
  readonly #source: LayerSource;
  readonly #dark = matchMedia('(prefers-color-scheme: dark)');
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');
  #palette: Palette = readPalette();
  #frame: Frame = { moving: false, hits: [] };
  #dirty = true;
  #lastFrame = 0;
  #request = 0;
  #zooming = false;
  /** With map tiles under it the grid is not needed. */
  withGrid = true;

  constructor(source: LayerSource) {
    super();
    this.#source = source;
    this.#canvas.className = 'city-layer leaflet-zoom-animated';
  }

  override onAdd(map: L.Map): this {
    map.getPanes().overlayPane.appendChild(this.#canvas);
    this.#dark.addEventListener('change', this.#repaint);
    this.#request = requestAnimationFrame(this.#tick);
    return this;
  }

  override onRemove(): this {
    this.#dark.removeEventListener('change', this.#repaint);
    cancelAnimationFrame(this.#request);
    this.#canvas.remove();
    return this;
  }

  override getEvents(): { [name: string]: L.LeafletEventHandlerFn } {
    return {
      move: () => this.#drawNow(),
      moveend: () => this.#drawNow(),
      resize: () => this.#drawNow(),
      zoomanim: (event) => this.#zoomAnim(event as L.ZoomAnimEvent),
      zoomend: () => {
        this.#zooming = false;
        this.#drawNow();
      },
    };
  }

  /** Something changed that is drawn. */
  touch(): void {
    this.#dirty = true;
  }

  /** The rider, order or store at a point of the map's container. */
  at(point: L.Point): Selected | undefined {
    return hitAt(this.#frame.hits, point);
  }

  readonly #repaint = (): void => {
    this.#palette = readPalette();
    this.#dirty = true;
  };

  readonly #tick = (now: number): void => {
    this.#request = requestAnimationFrame(this.#tick);
    if (this.#zooming || now - this.#lastFrame < FRAME_MS) return;
    if (this.#dirty || this.#frame.moving) this.#drawNow();
  };

  #drawNow(): void {
    const map = this._map;
    if (!map || this.#zooming) return;
    const size = map.getSize();
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [Math.round(size.x * ratio), Math.round(size.y * ratio)];
    const canvas = this.#canvas;
    if (canvas.width !== width || canvas.height !== height) {
      Object.assign(canvas, { width, height });
      Object.assign(canvas.style, { width: `${size.x}px`, height: `${size.y}px` });
    }
    L.DomUtil.setPosition(canvas, map.containerPointToLayerPoint([0, 0]));
    const context = canvas.getContext('2d');
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#dirty = false;
    this.#lastFrame = performance.now();
    const scene = new Scene(context, this.#view(map, size), this.#palette, this.#lastFrame, this.#still.matches);
    this.#frame = scene.draw(this.#source.city(), this.#source.selected(), this.withGrid);
  }

  #view(map: L.Map, size: L.Point): View {
    const bounds = map.getBounds();
    return {
      width: size.x,
      height: size.y,
      zoom: map.getZoom(),
      project: (point) => map.latLngToContainerPoint([point.lat, point.lng]),
      north: bounds.getNorth(),
      south: bounds.getSouth(),
      west: bounds.getWest(),
      east: bounds.getEast(),
    };
  }

  /** While Leaflet animates a zoom the old drawing is scaled with it; a sharp one follows at its end. */
  #zoomAnim(event: L.ZoomAnimEvent): void {
    const map = this._map;
    this.#zooming = true;
    const scale = map.getZoomScale(event.zoom);
    const corner = map.containerPointToLatLng([0, 0]);
    const inner = map as unknown as { _latLngToNewLayerPoint(at: L.LatLng, zoom: number, centre: L.LatLng): L.Point };
    L.DomUtil.setTransform(this.#canvas, inner._latLngToNewLayerPoint(corner, event.zoom, event.center), scale);
  }
}
