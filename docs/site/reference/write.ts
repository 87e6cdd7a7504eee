// `npm run docs:reference`: writes the pages of docs/reference/ anew.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../pages.ts'
import { createReferencePages } from './pages.ts'

for (const [file, text] of await createReferencePages()) {
  mkdirSync(join(root, 'docs', 'reference'), { recursive: true })
  writeFileSync(join(root, file), text)
  console.log(file)
}
