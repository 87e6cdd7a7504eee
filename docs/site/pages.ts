// Which documents the site shows, in their order, and where on it they and the sources stand.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, extname, join, posix, resolve } from 'node:path'
import type { DefaultTheme } from 'vitepress'

/** VitePress makes a copy of this module elsewhere, and runs in the folder of package.json. */
export const root = resolve('.')

type Group = readonly [name: string, pages: ReadonlyArray<readonly [file: string, name: string]>]

/** The groups beside the text, each with its pages: a document and its name there. */
export const groups: readonly Group[] = [
  ['Start', [
    ['README.md', 'Start here'],
    ['docs/first-steps.md', 'First steps'],
    ['docs/README.md', 'All pages'],
    ['docs/from-flask.md', 'From Flask']
  ]],
  ['Topics', [
    ['docs/hello.md', 'Hello'],
    ['docs/static.md', 'Static files'],
    ['docs/templates.md', 'Templates'],
    ['docs/params.md', 'Parameters and URLs'],
    ['docs/auth.md', 'Login']
  ]],
  ['Your app', [
    ['docs/an-app-of-your-own.md', 'An app of your own'],
    ['docs/recipes.md', 'Recipes'],
    ['docs/streaming.md', 'Streaming'],
    ['docs/model.md', 'A model for many clients'],
    ['examples/README.md', 'Examples'],
    ['examples/minimal/README.md', 'Example: minimal'],
    ['examples/own-app/README.md', 'Example: own-app'],
    ['examples/all-five/README.md', 'Example: all-five'],
    ['examples/chatbot/README.md', 'Example: chatbot']
  ]],
  ['The internet', [
    ['docs/deployment.md', 'Deployment'],
    ['SECURITY.md', 'Security'],
    ['bench/README.md', 'Benchmarks']
  ]],
  ['Reference', [
    ['docs/reference/options.md', 'Options'],
    ['docs/reference/settings.md', 'Settings'],
    ['docs/reference/command.md', 'The command'],
    ['docs/errors.md', 'Error codes'],
    ['docs/reference/metrics.md', 'Metrics'],
    ['docs/dependencies.md', 'Dependencies'],
    ['docs/how-the-code-tells-it.md', 'How the code tells it'],
    ['CHANGELOG.md', 'What changed'],
    ['CONTRIBUTING.md', 'Contributing'],
    ['CODE_OF_CONDUCT.md', 'Code of conduct']
  ]]
]

/** Documents that do not lie in docs/ and are not called README. */
const renamed: Readonly<Record<string, string>> = {
  'README.md': 'index.md',
  'docs/README.md': 'contents.md',
  'examples/README.md': 'examples/index.md',
  'bench/README.md': 'benchmarks.md'
}

/** Returns the place of a document or of the page of a source on the site: `docs/auth.md` is at `auth.md`. */
export function placeOnSite (file: string): string {
  const path = renamed[file] ?? file.replace(/^docs\/(?:site\/)?/, '').replace(/\/README\.md$/, '.md')
  return path.includes('/') ? path : path.toLowerCase()
}

const link = /(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))/g

/**
 * Rewrites the links of a document, which are relative to its file, to those of the site. Code stays as it is, and so
 * do pictures.
 *
 * @param extension of pages in the links
 */
export function relink (file: string, text: string, extension = '.md', base = '/'): string {
  const rewrite = (all: string, path: string, fragment = '') => {
    if (['.png', '.svg'].includes(extname(path))) return all
    return base + findPage(posix.join(posix.dirname(file), path)).replace(/\.md$/, extension) + fragment
  }
  const isCode = (index: number) => index % 2 === 1
  return text.split(/(^```[^]*?^```)/gm)
    .map((part, index) => isCode(index) ? part : part.replace(link, rewrite))
    .join('')
}

/** Returns the page of a file of the repository, or of a folder of it. */
function findPage (path: string): string {
  if (path.endsWith('.md')) return placeOnSite(path)
  const file = path.replace(/\/$/, '')
  const readme = `${file}/README.md`
  return existsSync(join(root, readme)) ? placeOnSite(readme) : `source/${file}.md`
}

/** The documents of all groups, in their order. */
export const documents: readonly string[] = groups.flatMap(([, pages]) => pages.map(([file]) => file))

/** A source that a document links to. */
export interface SourcePage {
  params: { path: string }
  /** Its Markdown. */
  content: string
}

/** Makes a page of each file and folder that a document links to, and of the files in such a folder. */
export function createSourcePages (): SourcePage[] {
  const wanted = new Set<string>()
  for (const document of documents) {
    for (const [, path = ''] of relink(document, readText(document)).matchAll(/\]\(\/source\/([^)#]+)\.md/g)) {
      wanted.add(path)
      for (const name of isFolder(path) ? readdirSync(join(root, path)) : []) {
        if (!isFolder(`${path}/${name}`)) wanted.add(`${path}/${name}`)
      }
    }
  }
  return [...wanted].sort().map((path) => ({
    params: { path },
    content: isFolder(path) ? listFolder(path, wanted) : `# ${path}\n\n${showCode(path)}`
  }))
}

/** The facts of package.json: the repository is there once a release has filled it in. */
export interface Manifest {
  description: string
  repository?: { url: string }
}

/** Returns the links to the sources, which are nowhere to be had before a release. */
export function linkRepository ({ repository }: Manifest): Pick<DefaultTheme.Config, 'nav' | 'editLink'> {
  if (repository === undefined) return { nav: [] }
  const url = repository.url.replace(/^git\+|\.git$/g, '')
  return {
    nav: [{ text: 'Source', link: url }],
    editLink: { pattern: `${url}/edit/main/:path`, text: 'Edit this page' }
  }
}

export function readText (file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function isFolder (path: string): boolean {
  return statSync(join(root, path)).isDirectory()
}

function listFolder (path: string, pages: ReadonlySet<string>): string {
  const inside = [...pages].filter((page) => posix.dirname(page) === path)
  const links = inside.map((page) => `- [${basename(page)}](/source/${page}.md)`)
  return `# ${path}/\n\n${links.join('\n')}\n`
}

/** Languages of files whose extension does not tell. */
const languages: Readonly<Record<string, string>> = {
  Dockerfile: 'docker', '.eta': 'erb', '.conf': 'nginx', '.service': 'ini', LICENSE: 'txt'
}

function showCode (path: string): string {
  const extension = extname(path)
  const language = languages[basename(path)] ?? languages[extension] ?? (extension.slice(1) || 'txt')
  return `\`\`\`\`\`\`${language}\n${readText(path).trimEnd()}\n\`\`\`\`\`\`\n`
}
