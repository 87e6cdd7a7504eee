import t from 'tap'

t.test('npm run docs shows each document, its pictures, and finds headings', async (t) => {
  const path: string = '../../docs/site/serve.js' // plain JavaScript, over what is built
  const { docsApp } = await import(path) as { docsApp: () => Promise<import('fastify').FastifyInstance> }
  const app = await docsApp()
  t.teardown(() => app.close())
  t.equal((await app.inject('/')).headers.location, '/docs/README.md')
  const index = await app.inject('/docs/README.md')
  t.match(index.body, '<h1 id="the-documentation">The documentation</h1>')
  for (const [, link = ''] of index.body.matchAll(/href="([^"]+\.md)"/g)) {
    const page = await app.inject(new URL(link, 'http://x/docs/README.md').pathname)
    t.equal(page.statusCode, 200, link)
    t.match(page.headers['content-type'], 'text/html')
  }
  for (const file of ['page.png', 'site/docs.css']) t.equal((await app.inject(`/docs/${file}`)).statusCode, 200, file)
  t.match((await app.inject('/search?q=guessers')).body, '<a href="/docs/auth.md#guessers">Guessers</a>')
  t.match((await app.inject('/search?q=%3Cscript')).body, 'There are none.')
})
