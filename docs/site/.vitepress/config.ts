import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type MarkdownRenderer, type TransformContext } from 'vitepress'
import { colours, coloursAsClasses } from '../code-colours.ts'
import { groups, placeOnSite, relink, root } from '../pages.ts'

/** Holds the inline scripts of all pages, so that a policy without inline scripts lets them run. */
const firstScript = 'first.js'
let inlineScripts = ''

/** Has a page load its inline scripts, which choose light or dark before the first paint, from a file. */
function moveInlineScripts (html: string, _file: string, { siteConfig }: TransformContext): string {
  const scripts = [...html.matchAll(/<script id="[\w-]+">([^]*?)<\/script>/g)]
  inlineScripts = scripts.map(([, text]) => text).join('\n')
  const page = scripts.reduce((page, [script], index) => {
    return page.replace(script, index === 0 ? `<script src="${siteConfig.site.base}${firstScript}"></script>` : '')
  }, html)
  return page.replaceAll(' style="--vp-vh:0px;"', '') // set anew when the page is alive
}

/** Keeps `{{ … }}` as text: Vue takes it for an expression. */
function keepBraces (markdown: MarkdownRenderer): void {
  for (const rule of ['text', 'code_inline'] as const) {
    const render = markdown.renderer.rules[rule]! // markdown-it has both
    markdown.renderer.rules[rule] = (...context) => String(render(...context)).replaceAll('{{', '&#123;&#123;')
  }
}

/** The fragment that GitHub gives a heading, so that links hold in both places. */
function slugAsGitHub (heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
}

export default defineConfig({
  title: 'fastify-quickstart',
  lang: 'en',
  srcDir: root,
  srcExclude: ['test/**'],
  outDir: join(root, 'docs', 'site', 'dist'),
  cacheDir: join(root, 'node_modules', '.cache', 'vitepress'),
  rewrites: placeOnSite,
  ignoreDeadLinks: [/^http:\/\/(?:127\.0\.0\.1|localhost)[:/]/], // what the reader starts
  appearance: { disableTransition: false }, // it would add an inline style
  contentProps: { class: 'page' },
  metaChunk: true, // the site's data is in a file, not in an inline script
  themeConfig: {
    sidebar: groups.map(([text, pages]) => ({
      text,
      items: pages.map(([file, name]) => ({ text: name, link: `/${placeOnSite(file)}` }))
    })),
    outline: [2, 3],
    search: { provider: 'local' }
  },
  markdown: {
    html: false,
    linkify: false,
    theme: colours,
    languageAlias: { eta: 'erb', dockerignore: 'ini' },
    codeTransformers: [coloursAsClasses],
    anchor: { slugify: slugAsGitHub },
    attrs: { disable: true }, // {…} is text
    emoji: { enabled: [] }, // so is :…:
    config: keepBraces
  },
  transformHtml: moveInlineScripts,
  buildEnd ({ outDir }) {
    writeFileSync(join(outDir, firstScript), inlineScripts)
    // VitePress takes public/ of the repository, which is another app's, for files of the site.
    for (const name of readdirSync(join(root, 'public'))) rmSync(join(outDir, name))
  },
  vite: {
    plugins: [{
      name: 'links of the repository to those of the site',
      enforce: 'pre',
      transform (text, id) {
        if (id.endsWith('.md') && !id.includes('/docs/site/')) return relink(id.slice(root.length + 1), text)
      }
    }]
  }
})
