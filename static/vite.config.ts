/** Two pages, one build: the console (`index.html`, served at /) and the API reader (`docs.html`, served at /docs). */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const server = process.env.RIDERHUB_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  resolve: {
    // RapiDoc is built from its sources: its ready-made bundle repeats lit and cannot be shaken. `~` is its own root.
    alias: [
      { find: '@riderhub/client', replacement: here('./client/src/index.ts') },
      { find: /^~\//, replacement: here('./node_modules/rapidoc/src/') },
      { find: '@apitools/openapi-parser', replacement: here('./docs/resolve.ts') },
    ],
  },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
    rollupOptions: { input: { index: 'index.html', docs: 'docs.html' } },
  },
  server: {
    proxy: {
      '/v1/ws': { target: server.replace(/^http/, 'ws'), ws: true },
      '/v1': server,
    },
  },
  test: {
    globalSetup: ['tests/build.ts'],
    include: ['client/tests/**/*.test.ts', 'tests/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
