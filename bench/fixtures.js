import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { hash as argon2id } from '@node-rs/argon2'
import { hash as bcrypt } from '@node-rs/bcrypt'
import { login } from './content.js'
import { rootApp } from './root-app.js'

/** A folder of its own for all that a run needs on disk. Every contender reads the same files. */
export class Fixtures {
  /** @param {string} folder */
  constructor (folder) {
    this.folder = folder
    /** @type {Map<string, Promise<unknown>>} */
    this.made = new Map()
  }

  /** Makes the folder; it goes when this process ends. */
  static async make () {
    const folder = await mkdtemp(join(tmpdir(), 'fastify-quickstart-bench-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    return new Fixtures(folder)
  }

  /**
   * @template Value
   * @param {string} name
   * @param {(path: string) => Promise<Value>} make
   * @returns {Promise<Value>}
   */
  once (name, make) {
    const made = this.made.get(name) ?? make(join(this.folder, name))
    this.made.set(name, made)
    return /** @type {Promise<Value>} */ (made)
  }

  /**
   * A folder with two scripts, of 1 kB and of 100 kB, the large one with compressed forms beside it, made as well as
   * they can be: so every contender that can send one sends the same bytes.
   */
  files () {
    return this.once('files', async (folder) => {
      await mkdir(folder)
      const large = Buffer.from(script(100_000))
      await writeFile(join(folder, 'small.js'), script(1000))
      await writeFile(join(folder, 'large.js'), large)
      await writeFile(join(folder, 'large.js.br'), brotliCompressSync(large, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
      await writeFile(join(folder, 'large.js.gz'), gzipSync(large, { level: 9 }))
      return folder
    })
  }

  /**
   * One folder with many scripts of 1 kB: `0.js`, `1.js` and so on.
   *
   * @param {number} count
   */
  manyFiles (count) {
    return this.once(`files-${count}`, async (folder) => {
      await mkdir(folder)
      for (let number = 0; number < count; number++) await writeFile(join(folder, `${number}.js`), script(1000, number))
      return folder
    })
  }

  /** The page's templates, in the language of each contender. */
  views () {
    return this.once('views', async (folder) => {
      await mkdir(folder)
      await Promise.all(Object.entries(views).map(([name, text]) => writeFile(join(folder, name), text)))
      return folder
    })
  }

  /** The views of the root app, in the language of EJS: made of them, so that they show the same. */
  ejsViews () {
    return this.once('ejs-views', async (folder) => {
      await mkdir(folder)
      const read = async (/** @type {string} */ name) => toEjs(await readFile(join(rootApp.viewsFolder, name), 'utf8'))
      const [top, bottom] = (await read('layout.eta')).split('<%- body -%>\n')
      await writeFile(join(folder, 'top.ejs'), top)
      await writeFile(join(folder, 'bottom.ejs'), bottom)
      for (const name of ['index', 'secret']) {
        await writeFile(join(folder, `${name}.ejs`), `${await read(`${name}.eta`)}<%- include('bottom') -%>\n`)
      }
      return folder
    })
  }

  /**
   * The page's templates of Eta, and others like them: `count` pages in all.
   *
   * @param {number} count
   */
  manyViews (count) {
    return this.once(`views-${count}`, async (folder) => {
      await mkdir(folder)
      await writeFile(join(folder, 'layout.eta'), views['layout.eta'])
      await writeFile(join(folder, 'page.eta'), views['page.eta'])
      for (let number = 1; number < count; number++) await writeFile(join(folder, `page-${number}.eta`), views['page.eta'].replace('<ul>', `<ul id="list-${number}">`))
      return folder
    })
  }

  /**
   * The files of users, `name:hash` a line, with the one who logs in amid them. All have the same password and so
   * may have the same hash, for nobody checks it but at a login.
   *
   * @param {number} count
   */
  users (count) {
    return this.once(`users-${count}`, async (folder) => {
      const hashes = await this.hashes()
      const names = Array.from({ length: count }, (_, number) => `user-${number}`)
      names[count >> 1] = login.name
      await mkdir(folder)
      const list = async (/** @type {string} */ name, /** @type {string} */ hash) => {
        await writeFile(join(folder, name), names.map((user) => `${user}:${hash}\n`).join(''))
        return join(folder, name)
      }
      return { argon2id: await list('argon2id', hashes.argon2id), bcrypt: await list('bcrypt', hashes.bcrypt), plain: await list('plain', login.password) }
    })
  }

  hashes () {
    return this.once('hashes', async () => ({
      // OWASP's parameters for argon2id; bcrypt's usual cost.
      argon2id: await argon2id(login.password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 }),
      bcrypt: (await bcrypt(login.password, 10)).replace(/^\$2b/, () => '$2y')
    }))
  }
}

/**
 * Turns a template of Eta into one of EJS, which has no layouts, takes values by their names, and leaves out a line
 * break only where it is told to.
 *
 * @param {string} template
 */
function toEjs (template) {
  return template
    .replace(/<%[^]*?%>/g, (tag) => tag.replace(/\bit\./g, '').replace('<%~', '<%-'))
    .replace(/<% layout\('\.\/layout', (.*?)\) %>/, "<%- include('top', $1) %>")
    .replaceAll(' %>\n', ' -%>\n')
}

/**
 * A script of exactly so many bytes, that can be compressed as well as scripts can.
 *
 * @param {number} bytes
 * @param {number} [seed]
 */
function script (bytes, seed = 0) {
  let text = `// Script ${seed}\n`
  for (let state = seed + 1; text.length < bytes;) {
    state = (state * 48_271) % 2_147_483_647
    text += `export function step${state % 9973} (value) { return value * ${state % 97} + ${state} }\n`
  }
  return text.slice(0, bytes - 1) + '\n'
}

const head = '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>'
const views = {
  'layout.eta': `${head}<%= it.title %></title></head>\n<body>\n<%~ it.body %>\n</body>\n</html>\n`,
  'page.eta': '<% layout(\'./layout\', { title: it.title }) %>\n<h1><%= it.title %></h1>\n<ul>\n<% for (const item of it.items) { %>\n<li><b><%= item.name %></b> <%= item.value %></li>\n<% } %>\n</ul>\n',
  // EJS has no layouts; a header and a footer do the same.
  'top.ejs': `${head}<%= title %></title></head>\n<body>\n`,
  'bottom.ejs': '</body>\n</html>\n',
  'page.ejs': '<%- include(\'top\', { title }) -%>\n<h1><%= title %></h1>\n<ul>\n<% for (const item of items) { -%>\n<li><b><%= item.name %></b> <%= item.value %></li>\n<% } -%>\n</ul>\n<%- include(\'bottom\') -%>\n',
  'layout.html': `${head}{{ title }}</title></head>\n<body>\n{% block body %}{% endblock %}\n</body>\n</html>\n`,
  'page.html': '{% extends "layout.html" %}\n{% block body %}\n<h1>{{ title }}</h1>\n<ul>\n{% for item in items %}<li><b>{{ item.name }}</b> {{ item.value }}</li>\n{% endfor %}</ul>\n{% endblock %}\n'
}
