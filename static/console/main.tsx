/** The operator console at `/`. */
import { render } from 'preact';
import { App } from './app.tsx';
import './style/base.css';
import './style/layout.css';
import './style/lists.css';
import './style/order.css';

const root = document.getElementById('app');
if (root) render(<App />, root);
