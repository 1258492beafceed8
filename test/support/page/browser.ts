import { existsSync } from 'node:fs'
import puppeteer, { type Browser } from 'puppeteer-core'

const chromium = '.cache/chromium/chromium'

export interface View {
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
}

/** Starts the headless Chromium that `scripts/provision.sh test` provides. Its sandbox does not work for root. */
export async function openBrowser(): Promise<Browser> {
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
export async function openPage(browser: Browser, url: string, { width, height, scheme }: View) {
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
