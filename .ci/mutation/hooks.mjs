/** Where a test imports one of these packages, it gets our form of it. Runs in the thread that resolves modules. */
let ours = {};

export function initialize(forms) {
  ours = forms;
}

export function resolve(specifier, context, next) {
  const url = ours[specifier];
  if (url === undefined || context.parentURL === url) return next(specifier, context);
  return { url, shortCircuit: true, format: 'module' };
}
