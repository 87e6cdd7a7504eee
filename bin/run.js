#!/usr/bin/env node
// The file that npm links as the command. It is not built, so it keeps its run bit, and is there before the first
// build: until then, a Node that runs TypeScript runs the sources. It runs none below node_modules, where all is built.
import { existsSync } from 'node:fs'

const built = new URL('../dist/bin/fastify-quickstart.js', import.meta.url)
if (existsSync(built)) {
  await import(built.href)
} else if (process.features.typescript) {
  await import('./fastify-quickstart.ts')
} else {
  process.stderr.write('fastify-quickstart: it is not built yet; run npm run build\n')
  process.exitCode = 1
}
