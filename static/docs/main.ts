/** The API reader at `/docs`: it shows `/v1/openapi.json` of the server that serves it, and asks nobody else for anything. */
import 'rapidoc/src/rapidoc.js';
import './docs.css';

const dark = matchMedia('(prefers-color-scheme: dark)');
const reader = document.createElement('rapi-doc');

const fixed: Record<string, string> = {
  'spec-url': '/v1/openapi.json',
  'render-style': 'read',
  'load-fonts': 'false',
  'regular-font': 'system-ui, sans-serif',
  'mono-font': 'ui-monospace, monospace',
  'show-header': 'false',
  'allow-spec-url-load': 'false',
  'allow-spec-file-load': 'false',
  'allow-spec-file-download': 'false',
  'allow-server-selection': 'false',
  'schema-style': 'table',
  'show-method-in-nav-bar': 'as-colored-block',
  'use-path-in-nav-bar': 'true',
  'nav-item-spacing': 'relaxed',
  'persist-auth': 'false',
};
for (const [name, value] of Object.entries(fixed)) reader.setAttribute(name, value);

function colour(): void {
  const look = dark.matches
    ? { theme: 'dark', 'bg-color': '#12161c', 'text-color': '#d5dbe3', 'primary-color': '#5aa2ff', 'nav-bg-color': '#0d1116' }
    : { theme: 'light', 'bg-color': '#ffffff', 'text-color': '#1c2733', 'primary-color': '#1f6feb', 'nav-bg-color': '#f4f6f9' };
  for (const [name, value] of Object.entries(look)) reader.setAttribute(name, value);
}

colour();
dark.addEventListener('change', colour);
document.body.append(reader);
