import { mkdirSync } from 'node:fs'
import { openBrowser, openPage } from '../test/support/page/browser.ts'
import { statusScene } from '../test/support/page/status-scene.ts'

// usage: npm run status-page-image: writes docs/images/status-page.png, the status page of an invented replica.
const path = 'docs/images/status-page.png'
mkdirSync('docs/images', { recursive: true })
const server = await statusScene('everyday').listen(0, new AbortController().signal)
const browser = await openBrowser()
const view = { width: 1440, height: 820, scheme: 'light' } as const
const { page } = await openPage(browser, `http://127.0.0.1:${server.port}/`, view)
await page.screenshot({ path, optimizeForSpeed: false })
await browser.close()
await server.close()
