import { existsSync, mkdirSync } from 'node:fs'
import axe from 'axe-core'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import { closingAfterEach } from '../support/closing.ts'
import { published } from '../support/every-pipeline-event.ts'
import { type SceneName, statusScene } from '../support/page/status-scene.ts'
import { polling } from '../support/polling.ts'
import { never } from '../support/signals.ts'
import { entered, failed } from '../support/stream-states.ts'

/** To be looked at after a change of the page. */
const pictures = '.cache/status-page'
interface View {
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
}

const light: View = { width: 1440, height: 900, scheme: 'light' }
const chromium = '.cache/chromium/chromium'
const closing = closingAfterEach()
let browser: Browser
beforeAll(async () => {
  mkdirSync(pictures, { recursive: true })
  browser = await openBrowser()
})
afterAll(() => browser.close())

/** Starts the headless Chromium that `scripts/provision.sh test` provides. Its sandbox does not work for root. */
async function openBrowser(): Promise<Browser> {
  if (!existsSync(chromium)) throw new Error(`${chromium} is missing: run scripts/provision.sh test`)
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const args = [...sandbox, '--disable-gpu', '--hide-scrollbars', '--lang=en', '--font-render-hinting=none']
  return await puppeteer.launch({
    executablePath: chromium,
    headless: 'shell',
    args,
    env: { ...process.env, TZ: 'UTC' },
  })
}

/** A page whose console messages, errors and requests that fail or leave the server are collected in `complaints`. */
async function openPage(browser: Browser, url: string, { width, height, scheme }: View) {
  const page = await browser.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(`error: ${error}`))
  page.on('request', (request) => {
    if (!/^data:/.test(request.url()) && new URL(request.url()).origin !== new URL(url).origin)
      complaints.push(`foreign request: ${request.url()}`)
  })
  await page.setViewport({ width, height })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
  await page.goto(url)
  await page.waitForSelector('#figures dd')
  return { page, complaints }
}

async function show(name: SceneName, view: View = light) {
  const scene = statusScene(name)
  const server = closing.use(await scene.listen(0, never), (open) => open.close())
  const opened = await openPage(browser, `http://127.0.0.1:${server.port}/`, view)
  closing.use(opened.page, (page) => page.close())
  return { ...scene, ...opened, server }
}

const becomeVisible = `document.dispatchEvent(new Event('visibilitychange'))`

/** Makes the page read again, and waits until it has. */
async function readAgain(page: Page): Promise<void> {
  const answered = page.waitForResponse((response) => response.url().endsWith('/status'))
  await page.evaluate(becomeVisible)
  await answered
  await page.waitForNetworkIdle({ idleTime: 50 })
}

/** Makes the page read again, and waits until `selector` contains `text`. */
async function untilShown(page: Page, selector: string, text: string): Promise<void> {
  await page.evaluate(becomeVisible)
  const isShown = `document.querySelector(${JSON.stringify(selector)}).textContent.includes(${JSON.stringify(text)})`
  await page.waitForFunction(isShown, { timeout: 30_000 })
}

const textOf = (page: Page, selector: string) =>
  page.$$eval(selector, (found) => found.map(({ textContent }) => textContent))
const shownRows = (page: Page) => textOf(page, '#stream-rows > tr:not(.detail):not([hidden]) button')
const focused = (page: Page) => page.evaluate('document.activeElement.textContent')

async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source)
  const found = (await page.evaluate('axe.run()')) as axe.AxeResults
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
}

test.each<View>([light, { width: 390, height: 844, scheme: 'dark' }])(
  'is accessible, fits the window, loads nothing from elsewhere and logs no error: %o',
  async (view) => {
    const { page, complaints } = await show('everyday', view)
    await page.click('#stream-rows button')
    await page.screenshot({ path: `${pictures}/${view.width}-${view.scheme}.png`, fullPage: true })
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    expect(complaints).toEqual([])
    expect(await violations(page)).toEqual([])
  },
)

test('shows streams, scans and the failure with its explanation and its section of the runbook', async () => {
  const { page } = await show('everyday')
  expect(await textOf(page, '#figures dd')).toEqual(['8', '6', '1', '21 min', '0'])
  const [trouble = ''] = await textOf(page, '#troubles li')
  for (const text of [
    'nantes',
    'held for',
    'source.unauthorized',
    'status 401',
    'Check POLARIS_AUTH',
    'runbook: section source.unauthorized',
  ])
    expect(trouble).toContain(text)
  expect(await shownRows(page)).toEqual(['nantes', 'bordeaux', 'brest', 'lille', 'lyon', 'metz', 'paris', 'toulouse'])
  const rows = await textOf(page, '#stream-rows > tr:not(.detail)')
  expect(rows[1]).toMatch(/caught up/)
  expect(rows[4]).toMatch(/catching up.*history 43 %, [\d,]+ clients/)
  expect(await page.$eval('progress', (one) => one.getAttribute('aria-label'))).toBe('history: 43 % done')
})

test('can be used with the keyboard alone, and keeps the focus when it updates', async () => {
  const { page } = await show('everyday')
  await page.keyboard.press('Tab')
  expect(await focused(page)).toBe('Skip to the streams')
  await page.keyboard.press('Enter')
  expect(await focused(page)).toBe('Streams on this replica')
  await page.keyboard.press('Tab')
  await page.keyboard.type('HELD')
  expect(await shownRows(page)).toEqual(['nantes'])
  expect(await textOf(page, '#shown')).toEqual(['1 of 8 streams'])
  for (const key of ['Tab', 'Tab', 'Enter'] as const) await page.keyboard.press(key)
  expect(await focused(page)).toBe('nantes')
  expect(await page.$eval('#stream-rows button[aria-expanded="true"]', (one) => one.textContent)).toBe('nantes')
  expect((await textOf(page, '.detail:not([hidden])'))[0]).toMatch(/Clients in the index[\d,]+/)
  await readAgain(page)
  expect(await focused(page)).toBe('nantes')
  await page.keyboard.press('Enter')
  expect(await textOf(page, '.detail:not([hidden])')).toEqual([])
})

test('follows the replica, and says so when it no longer answers', async () => {
  const { page, observe, time, server } = await show('one')
  const seen = new ConnectorError('publish.failed', '<img src=x onerror=alert(1)> broker kafka-1:9092')
  const clients = observe('clients', polling)
  clients(failed('held', seen))
  time.now += 60_000
  await untilShown(page, '#troubles', '<img src=x onerror=alert(1)> broker kafka-1:9092')
  expect(await textOf(page, '#readiness')).toEqual(['Not ready'])
  await server.close()
  await untilShown(page, '#alarm', 'The replica does not answer. What you see is as of 14:36:20')
})

test('plots the events of each stream since the page was opened', async () => {
  const { page, observe, time } = await show('one')
  const clients = observe('clients', polling)
  for (const state of ['opening', 'running'] as const) clients(entered(state))
  for (const events of [0, 50]) {
    time.now += 5_000
    clients(published({ events }))
    await readAgain(page)
  }
  expect(await page.$eval('svg', (plot) => plot.getAttribute('aria-label'))).toBe('at most 10 events a second, now 10')
})

test('is served with a policy that allows only its own style and script', async () => {
  const { page, complaints, server } = await show('one')
  const { headers } = await fetch(`http://127.0.0.1:${server.port}/`)
  expect(headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  )
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
  await page.evaluate(`document.head.append(Object.assign(document.createElement('script'), { text: 'x = 1' }))`)
  expect(complaints.join()).toMatch(/Content Security Policy/)
  expect(await page.evaluate(`'x' in window`)).toBe(false)
})
