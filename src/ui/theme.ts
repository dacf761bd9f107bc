/** Light, dark, or what the system says. The choice is an attribute of the root element; tokens follow it. */
import { recall, remember } from './settings.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'theme';

export function currentTheme(): Theme {
  const stored = recall(KEY);
  return THEMES.find((theme) => theme === stored) ?? 'auto';
}

export function applyTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  remember(KEY, theme);
  themeChanges.dispatchEvent(new Event('change'));
}

/** Fires when colours may have changed: by choice, or because the system changed. */
export const themeChanges = new EventTarget();

export function isDark(): boolean {
  const theme = document.documentElement.dataset.theme;
  return theme ? theme === 'dark' : systemDark.matches;
}

const systemDark = matchMedia('(prefers-color-scheme: dark)');
systemDark.addEventListener('change', () => themeChanges.dispatchEvent(new Event('change')));
