declare module 'rapidoc/src/rapidoc.js';
