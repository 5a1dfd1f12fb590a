export const TARGET: string;
export function frames(): string;
