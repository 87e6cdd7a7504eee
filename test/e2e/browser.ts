import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'

/** Where Debian and others install Chromium. CHROMIUM_PATH names another place. */
const candidates = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/**
 * Starts Chromium, and closes it when the test ends. Throws where there is none.
 *
 * @param args more flags for it
 */
export async function startBrowser (t: Test, args: readonly string[] = []): Promise<Browser> {
  const executablePath = candidates.find((path) => path !== undefined && existsSync(path))
  if (executablePath === undefined) {
    throw new Error('There is no Chromium here. Install it (Debian: apt-get install chromium) or name it in CHROMIUM_PATH.')
  }
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      // Chromium has no sandbox for the root account, which containers run as.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ...args
    ]
  })
  t.teardown(() => browser.close())
  return browser
}

/** What a page did that nobody should see: it fills while the page is in use. */
export interface Observations {
  dialogs: string[]
  /** Messages of level error on the console, with violations of the content security policy among them. */
  consoleErrors: string[]
  /** Addresses outside the server that were asked for. */
  foreignRequests: string[]
}

/** Opens a page that notes dialogs, console errors and requests to elsewhere. */
export async function openPage (
  t: Test, browser: Browser, serverUrl: string, options: BrowserContextOptions = {}
): Promise<{ page: Page, context: BrowserContext, seen: Observations }> {
  const context = await browser.newContext(options)
  t.teardown(() => context.close())
  const page = await context.newPage()
  const seen: Observations = { dialogs: [], consoleErrors: [], foreignRequests: [] }
  page.on('dialog', async (dialog) => {
    seen.dialogs.push(dialog.message())
    await dialog.accept()
  })
  page.on('console', (message) => {
    // For an answer in plain text a browser asks for /favicon.ico, which there need not be.
    const ownWish = message.location().url.endsWith('/favicon.ico')
    if (message.type() === 'error' && !ownWish) seen.consoleErrors.push(message.text())
  })
  page.on('pageerror', (error) => seen.consoleErrors.push(error.message))
  page.on('request', (request) => {
    if (!request.url().startsWith(serverUrl) && !request.url().startsWith('data:')) seen.foreignRequests.push(request.url())
  })
  return { page, context, seen }
}
