/** The terminal draws itself, so it is told its colours: ground and text from the page, sixteen that suit. */
import type { ITheme } from '@xterm/xterm';
import { isDark } from './theme.ts';

const LIGHT: ITheme = {
  cursor: '#0a5bb8',
  selectionBackground: '#bcd8f7',
  black: '#1c2126',
  red: '#b3261e',
  green: '#1a6f2c',
  yellow: '#8a5200',
  blue: '#0a5bb8',
  magenta: '#8a3ea6',
  cyan: '#00695c',
  white: '#59626c',
  brightBlack: '#6a7480',
  brightRed: '#c93a31',
  brightGreen: '#21803a',
  brightYellow: '#9a6200',
  brightBlue: '#2b73c9',
  brightMagenta: '#9b51b6',
  brightCyan: '#0b7a6c',
  brightWhite: '#3b434b',
};

const DARK: ITheme = {
  cursor: '#6db3ff',
  selectionBackground: '#2c4a6b',
  black: '#2b323a',
  red: '#ff8379',
  green: '#6ccb7f',
  yellow: '#f2b134',
  blue: '#6db3ff',
  magenta: '#d39bea',
  cyan: '#4bcbb4',
  white: '#c9d1d9',
  brightBlack: '#7b8794',
  brightRed: '#ffa198',
  brightGreen: '#8adc9a',
  brightYellow: '#f7cb6b',
  brightBlue: '#94c8ff',
  brightMagenta: '#e2b9f3',
  brightCyan: '#7fdfcd',
  brightWhite: '#f4f6f8',
};

export function terminalColours(element: HTMLElement): ITheme {
  const { backgroundColor, color } = getComputedStyle(element);
  return { ...(isDark() ? DARK : LIGHT), background: hex(backgroundColor), foreground: hex(color) };
}

/** `rgb(1, 2, 3)` as `#010203`. */
function hex(colour: string): string {
  const parts = colour.match(/\d+/g)?.slice(0, 3) ?? [];
  return `#${parts.map((part) => Number(part).toString(16).padStart(2, '0')).join('')}`;
}
