import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { toFolderPath } from '../../lib/folder-path.ts'

t.test('a folder is named by its absolute path or a file: URL', async (t) => {
  const folder = resolve('/srv/a b')
  const url = pathToFileURL(folder)
  const cases: [given: unknown, path: string | undefined][] = [
    [folder, folder],
    [`${folder}/../a b/`, folder],
    [url, folder],
    [url.href, folder],
    [url.href.replace('file:', 'FILE:'), folder],
    [url.href.replace('file:///', 'file:/'), folder],
    ['public', undefined],
    ['./public', undefined],
    ['file:public', undefined],
    ['', undefined],
    ['https://example.com/public', undefined],
    [new URL('https://example.com/public'), undefined],
    ['file:///srv/a%2Fb', undefined],
    [new URL('data:,x'), undefined],
    [undefined, undefined],
    [null, undefined],
    [5, undefined],
    [[folder], undefined],
    [{ href: url.href }, undefined]
  ]
  const wrong = cases.filter(([given, path]) => toFolderPath(given) !== path)
  t.same(wrong.map(([given]) => [given, toFolderPath(given)]), [])
})
