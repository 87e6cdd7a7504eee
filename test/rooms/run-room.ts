import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'

const tests = dirname(import.meta.dirname)

/**
 * Runs the tests of a folder in this process, file after file: most of the time of a small file would go into loading
 * Fastify and the sources once more. A room is a file here, named for its folder with dashes for slashes. The one
 * named rest has what lies in no other's folder. After each file comes a test that has its name, for the reporter.
 *
 * @param room the path of the room's file
 */
export async function runRoom (room: string): Promise<void> {
  const folder = folderOf(basename(room))
  const others = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.room.ts')).map(folderOf)
    .filter((other) => other !== folder)
  const isOurs = (name: string) => folder === 'rest'
    ? !others.some((other) => name.startsWith(`${other}/`))
    : name.startsWith(`${folder}/`)

  const names = readdirSync(tests, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'))
  for (const name of names.filter((name) => name.endsWith('.test.ts') && isOurs(name)).sort()) {
    const file = `test/${name}`
    await import(pathToFileURL(join(tests, name)).href).catch((error) => t.fail(`${file} cannot be loaded`, error))
    await t.test(file, async () => {})
  }
}

function folderOf (room: string): string {
  return room.replace('.room.ts', '').replaceAll('-', '/')
}
