import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type TransformContext } from 'vitepress'
import { colours, coloursAsClasses } from '../code-colours.ts'
import { adaptMarkdown, slugAsGitHub } from '../markdown.ts'
import { groups, linkRepository, type Manifest, placeOnSite, readText, relink, root } from '../pages.ts'
import { splitIntoSections } from '../search.ts'
import { writeTexts } from '../texts.ts'

const manifest = JSON.parse(readText('package.json')) as Manifest // npm checks it

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

export default defineConfig({
  title: 'fastify-quickstart',
  description: manifest.description,
  lang: 'en',

  srcDir: root,
  srcExclude: ['test/**'],
  outDir: join(root, 'docs', 'site', 'dist'),
  cacheDir: join(root, 'node_modules', '.cache', 'vitepress'),
  rewrites: placeOnSite,
  ignoreDeadLinks: [/^http:\/\/(?:127\.0\.0\.1|localhost)[:/]/], // what the reader starts

  // No inline styles and scripts, so that the strict policy of the suite and of others lets the site work.
  appearance: { disableTransition: false },
  contentProps: { class: 'page' },
  metaChunk: true,
  transformHtml: moveInlineScripts,
  transformHead: ({ siteData }) => [['link', { rel: 'icon', href: `${siteData.base}icon.svg` }]],

  themeConfig: {
    ...linkRepository(manifest),
    sidebar: groups.map(([text, pages]) => ({
      text,
      items: pages.map(([file, name]) => ({ text: name, link: `/${placeOnSite(file)}` }))
    })),
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          searchOptions: { combineWith: 'AND', fuzzy: 0.1, boost: { title: 10, text: 2, titles: 1 } },
          _splitIntoSections: (_file, html) => splitIntoSections(html)
        }
      }
    }
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
    config: adaptMarkdown
  },

  vite: {
    plugins: [{
      name: 'links of the repository to those of the site',
      enforce: 'pre',
      transform (text, id) {
        if (id.endsWith('.md') && !id.includes('/docs/site/')) return relink(id.slice(root.length + 1), text)
      }
    }]
  },

  buildEnd ({ outDir, site }) {
    writeFileSync(join(outDir, firstScript), inlineScripts)
    writeTexts(outDir, site.base, manifest.description)
    // VitePress takes public/ of the repository, which is another app's, for files of the site.
    for (const name of readdirSync(join(root, 'public'))) if (name !== 'icon.svg') rmSync(join(outDir, name))
  }
})
