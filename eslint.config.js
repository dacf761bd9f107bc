import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import lit from 'eslint-plugin-lit';
import litA11y from 'eslint-plugin-lit-a11y';
import wc from 'eslint-plugin-wc';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** Time, chance and output are handed to the core; the compiler knows some of them as part of ES2023. */
const notInCore = [
  { name: 'Date', message: 'Time is passed in.' },
  { name: 'console', message: 'Say it with a trace event.' },
  { name: 'performance', message: 'Time is passed in.' },
  { name: 'globalThis', message: 'What the host has is passed in.' },
];

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      'public/guest/',
      '.cache/',
      'test-results/',
      'playwright-report/',
      '**/*.tsbuildinfo',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Numbers in texts are what texts are made of here; booleans, null and objects are still errors.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `array[i]!` in loops over typed arrays says less than `as number`, which noUncheckedIndexedAccess asks for:
      // the stylistic rule would turn the one into the other, and the strict one forbids the other.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // `{ readonly [name: string]: T }` documents its key.
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      // `() => sender.flush()` as a callback is not a confusion.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // `while (true)` with a break is the plainest loop over a descriptor chain.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // Private methods are #private and need no rule; a method for an interface may not need `this`.
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/core/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': ['error', ...notInCore],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Chance is passed in, as a seeded generator.' },
      ],
    },
  },
  {
    files: ['src/ui/**/*.ts', 'src/app/**/*.ts'],
    extends: [lit.configs['flat/recommended'], wc.configs['flat/recommended']],
    plugins: { 'lit-a11y': litA11y },
    languageOptions: { globals: globals.browser },
    rules: litA11y.configs.recommended.rules,
  },
  {
    // Programs that talk to a terminal.
    files: ['guest/**/*.ts', '.ci/**/*', 'bench/**/*.ts', 'e2e/**/*.ts', '*.config.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.test.ts', 'e2e/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // A test that reads past what is there fails by itself, which is what it is for.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // expect.any() and JSON come as any.
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: globals.node },
  },
  prettier,
);
