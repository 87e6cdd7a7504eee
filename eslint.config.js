import neostandard from 'neostandard'

const lineLength = { code: 120, comments: 120, ignoreUrls: true }

export default [
  ...neostandard({
    ts: true,
    ignores: ['dist/', 'dist.*/', '.tap/', 'public/', 'coverage/', '**/dist/', '**/node_modules/']
  }),
  {
    // Code and comments that fit on a page beside another. A long URL cannot be broken.
    files: ['**/*.{ts,js,cjs}'],
    rules: { '@stylistic/max-len': ['error', lineLength] }
  },
  {
    // A case of a test is one line of a table, however long the text is that it sends or expects.
    files: ['test/**', 'bench/**'],
    rules: {
      '@stylistic/max-len': ['error', {
        ...lineLength, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true
      }]
    }
  }
]
