import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['dist/', '.tap/', 'public/', 'coverage/', '**/dist/', '**/node_modules/'] }),
  {
    // Code and comments that fit on a page beside another. A long URL cannot be broken.
    files: ['**/*.{ts,js,cjs}'],
    rules: { '@stylistic/max-len': ['warn', { code: 120, comments: 120, ignoreUrls: true }] }
  }
]
