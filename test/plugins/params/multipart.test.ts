import multipart from '@fastify/multipart'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import { Type } from 'typebox'
import params, { bool, int, string } from '../../../plugins/params/index.ts'

/** The recipe of docs/params.md: the fields of a form with files are read by converters, a file is a Buffer. */
async function withUpload (t: Test) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  t.teardown(() => app.close())
  await app.register(params, { routes: false })
  await app.register(multipart, { attachFieldsToBody: 'keyValues', limits: { fileSize: 1000, files: 1 } })
  app.post('/photos', {
    schema: {
      consumes: ['multipart/form-data'],
      body: Type.Object({
        title: string({ maxLength: 20 }),
        note: string({ multiline: true, default: '-' }),
        year: Type.Optional(int()),
        shared: bool(),
        tag: Type.Array(string(), { default: [] }),
        photo: Type.Unsafe<Buffer>({})
      })
    }
  }, async ({ body: { photo, ...fields } }) => ({ ...fields, bytes: photo.length }))
  return async (fields: [name: string, value: string | Blob][] | Buffer) => {
    if (Buffer.isBuffer(fields)) {
      return await app.inject({ method: 'POST', url: '/photos', headers: { 'content-type': 'multipart/form-data; boundary=x' }, payload: fields })
    }
    const form = new FormData()
    for (const [name, value] of fields) form.append(name, value)
    const request = new Request('http://localhost/', { method: 'POST', body: form })
    const headers = { 'content-type': request.headers.get('content-type') ?? '' }
    return await app.inject({ method: 'POST', url: '/photos', headers, payload: Buffer.from(await request.arrayBuffer()) })
  }
}

const photo = new Blob([Buffer.alloc(100)], { type: 'image/png' })

t.test('a form with a file: its fields are typed, blank ones are defaults, the file is bytes', async (t) => {
  const post = await withUpload(t)
  const table: [fields: [name: string, value: string | Blob][], answer: object][] = [
    [[['title', 'A walk'], ['note', 'a\r\nb'], ['year', '2026'], ['shared', 'on'], ['tag', 'x'], ['tag', 'y'], ['photo', photo]],
      { title: 'A walk', note: 'a\nb', year: 2026, shared: true, tag: ['x', 'y'], bytes: 100 }],
    [[['title', '100% %zz'], ['note', ''], ['year', ''], ['tag', ''], ['photo', photo]],
      { title: '100% %zz', note: '-', shared: false, tag: [], bytes: 100 }]
  ]
  for (const [fields, expected] of table) {
    const answer = await post(fields)
    t.strictSame([answer.statusCode, answer.json()], [200, expected])
  }
})

t.test('its fields are refused by their names', async (t) => {
  const post = await withUpload(t)
  const table: [fields: [name: string, value: string | Blob][], status: number, says: string][] = [
    [[['photo', photo]], 400, 'body field "title" must be given'],
    [[['title', ''], ['photo', photo]], 400, 'body field "title" must be text of 1 to 20'],
    [[['title', 'a\u0000'], ['photo', photo]], 400, 'body field "title" must be text of 1 to 20'],
    [[['title', 'a'], ['title', 'b'], ['photo', photo]], 400, 'body field "title" must be given once'],
    [[['title', 'a'], ['year', '1.0'], ['photo', photo]], 400, 'body field "year" must be a whole number'],
    [[['title', photo], ['photo', photo]], 413, 'limit'],
    [[['title', 'a']], 400, 'photo'],
    [[['title', 'a'], ['photo', new Blob([Buffer.alloc(2000)])]], 413, 'too large']
  ]
  for (const [fields, status, says] of table) {
    const answer = await post(fields)
    t.equal(answer.statusCode, status, answer.body)
    t.match(answer.json().message, says)
  }
})

t.test('its texts are UTF-8, and its files are any bytes', async (t) => {
  const post = await withUpload(t)
  const rows: [part: string, status: number][] = [
    ['name="title"\r\n\r\ncaf\xc3\xa9', 200],
    ['name="title"\r\n\r\ncaf\xe9', 400],
    ['name="title"\r\n\r\n\xc0\xaf', 400],
    ['name="title"\r\n\r\n\xed\xa0\x80', 400],
    ['name="note"\r\n\r\na\r\n\xff', 400],
    ['name="tag"\r\n\r\n\xff', 400],
    ['name="other"\r\n\r\n\xff', 400],
    ['name="other\xe9"\r\n\r\na', 400],
    ['name="other\xc3\xa9"\r\n\r\na', 200]
  ]
  const wrong: unknown[] = []
  for (const [part, status] of rows) {
    const title = part.startsWith('name="title"') ? [] : ['name="title"\r\n\r\na']
    const parts = [...title, part, 'name="tag"\r\n\r\nx', 'name="photo"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\xff\xfe']
    const body = parts.map((part) => `--x\r\nContent-Disposition: form-data; ${part}\r\n`).join('')
    const answer = await post(Buffer.from(`${body}--x--\r\n`, 'latin1'))
    const name = /^name="(\w+)/.exec(part)![1]!
    const says = name === 'other' ? 'every body field must be' : `body field "${name}" must be`
    if (answer.statusCode !== status || (status === 400 && answer.json().message !== `${says} well-formed Unicode text in UTF-8`)) {
      wrong.push([part, answer.body])
    }
  }
  t.strictSame(wrong, [])
})
