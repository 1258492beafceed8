import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import { type CloseStack, closeStack } from '../../connector/runtime/close-stack.ts'

/** Closes after each test what it registered. */
export function closingAfterEach(): CloseStack {
  const closing = closeStack()
  afterEach(() => closing.close())
  return closing
}

/** Closes after all tests of the file what they registered. */
export function closingAfterAll(): CloseStack {
  const closing = closeStack()
  afterAll(() => closing.close())
  return closing
}

/** A new directory, removed with everything else that is closed. */
export function temporaryFolder(closing: CloseStack): string {
  return closing.use(mkdtempSync(join(tmpdir(), 'test-')), (path) => rmSync(path, { recursive: true, force: true }))
}
