/** The live map: Leaflet for moving about, one canvas for everything that lives. */
import { useSignalEffect } from '@preact/signals';
import L from 'leaflet';
import 'leaflet/dist/leaflet.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Live } from '../model/live.ts';
import type { Point } from '../model/wire.ts';
import { CityLayer } from './city-layer.ts';
import { MapTip, type Tip } from './map-tip.tsx';

export function CityMap({ live }: { live: Live }) {
  const box = useRef<HTMLDivElement>(null);
  const mapRef = useRef<{ map: L.Map; layer: CityLayer; fitted: string | undefined }>(undefined);
  const [tip, setTip] = useState<Tip>();

  useEffect(() => {
    if (!box.current) return undefined;
    const map = L.map(box.current, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, wheelPxPerZoomLevel: 90, minZoom: 3, maxZoom: 19 });
    map.setView([0, 0], 3);
    L.control.zoom({ position: 'bottomright' }).addTo(map);
    L.control.scale({ position: 'bottomleft', imperial: false }).addTo(map);
    const layer = new CityLayer({ city: () => live.city.value, selected: () => live.selected.value });
    layer.addTo(map);
    mapRef.current = { map, layer, fitted: undefined };
    map.on('click', (event) => live.select(layer.at(event.containerPoint)));
    map.on('mousemove', (event) => {
      const hit = layer.at(event.containerPoint);
      map.getContainer().style.cursor = hit ? 'pointer' : '';
      setTip(hit && { ...hit, x: event.containerPoint.x, y: event.containerPoint.y });
    });
    map.on('mouseout movestart zoomstart', () => setTip(undefined));
    void addTiles(map, layer);
    const observer = new ResizeObserver(() => {
      map.invalidateSize({ pan: false });
      show(map, placesOf(live));
    });
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      map.remove();
    };
  }, [live]);

  useSignalEffect(() => {
    const city = live.city.value;
    void live.selected.value;
    void city.version.value;
    const region = live.region.value?.region;
    const held = mapRef.current;
    if (!held) return;
    held.layer.touch();
    if (region !== undefined && held.fitted !== region && city.known.value) {
      held.fitted = region;
      fit(held.map, [...city.stores.values(), ...city.riders.values(), ...[...city.orders.values()].map((order) => order.dropoff)]);
    }
  });

  useSignalEffect(() => {
    const selected = live.selected.value;
    const held = mapRef.current;
    if (!held || !selected) return;
    show(held.map, placesOf(live));
  });

  return (
    <div class="map" role="region" aria-label="Live map. The same riders and orders are in the lists.">
      <div class="map-ground" ref={box} />
      <MapTip live={live} tip={tip} />
    </div>
  );
}

/** Street tiles only if the server's settings name a source; without one the page asks nobody for anything. */
async function addTiles(map: L.Map, layer: CityLayer): Promise<void> {
  try {
    const answer = await fetch('/v1/console/config');
    if (!answer.ok) return;
    const config = (await answer.json()) as { tiles?: string; attribution?: string };
    if (!config.tiles) return;
    L.tileLayer(config.tiles, { maxZoom: 19 }).addTo(map);
    if (config.attribution) L.control.attribution({ prefix: false }).addAttribution(config.attribution).addTo(map);
    layer.withGrid = false;
    layer.touch();
  } catch {
    // No settings, no tiles.
  }
}

function fit(map: L.Map, points: Point[]): void {
  if (points.length === 0) return;
  map.fitBounds(L.latLngBounds(points.map((point) => [point.lat, point.lng])), { padding: [28, 28], maxZoom: 15, animate: false });
}

/** Where the selected order, rider or store is. */
function placesOf(live: Live): Point[] {
  const selected = live.selected.peek();
  const city = live.city.peek();
  if (!selected) return [];
  const order = selected.kind === 'order' ? city.orders.get(selected.id) : undefined;
  if (order) return [order.pickup, order.dropoff];
  const place = selected.kind === 'rider' ? city.riders.get(selected.id) : city.stores.get(selected.id);
  return place ? [place] : [];
}

/** Moves the map only as far as needed to see the points. */
function show(map: L.Map, points: Point[]): void {
  if (points.length === 0) return;
  const bounds = L.latLngBounds(points.map((point) => [point.lat, point.lng]));
  if (!map.getBounds().pad(-0.08).contains(bounds)) map.flyToBounds(bounds, { padding: [60, 60], maxZoom: Math.max(map.getZoom(), 14), duration: 0.5 });
}
