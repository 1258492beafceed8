import { expect, test } from 'vitest'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import { controlReport, controlUnread } from '../../../connector/telemetry/control-status.ts'
import { controlStatus } from '../../../connector/telemetry/events/replica-events.ts'
import { explaining } from '../../../connector/telemetry/failure.ts'

test('the report names why the control object cannot be read, and what to do', () => {
  const error = new ConnectorError('storage.unavailable', 'read control object: connection refused')
  const readAt = Date.parse('2026-06-15T10:00:00Z')
  const read = controlStatus(controlUnread, { kind: 'control-read' }, readAt)
  const failed = controlStatus(read, { kind: 'control-failed', code: error.code, error }, readAt + 3000)
  const report = controlReport(failed, explaining('https://wiki.example/runbook.html'))
  expect(report).toEqual({
    ...{ readAt: '2026-06-15T10:00:00.000Z', code: 'storage.unavailable', error: error.message },
    ...{ hint: expect.any(String), runbook: 'https://wiki.example/runbook.html#storage-unavailable' },
  })
})
