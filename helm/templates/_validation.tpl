{{- /* Checks that values.schema.json cannot express. Each message names the value and what to do. */}}
{{- define "polaris-connector.validate" -}}
{{- $settings := include "polaris-connector.settings" . | fromJson -}}
{{- $isSingle := eq $settings.placement.mode "single" -}}
{{- if not .Values.config.connector -}}
{{- fail "config.connector is missing: set a name and never change it, because it is part of transactional ids, groups and checkpoint keys" -}}
{{- end -}}
{{- if contains "${" .Values.config.connector -}}
{{- fail "config.connector must be a name, not a variable: alerts select by it" -}}
{{- end -}}
{{- if not (kindIs "float64" $settings.http.port) -}}
{{- fail "config.http.port must be a number, not a variable: probes and monitors need it" -}}
{{- end -}}
{{- if eq 0 (int $settings.http.port) -}}
{{- fail "config.http.port must not be 0 (a random port): probes and monitors need a fixed port" -}}
{{- end -}}
{{- if regexMatch "^(127\\.|localhost$|::1$)" $settings.http.host -}}
{{- fail (printf "config.http.host is %s, which the kubelet cannot reach: remove it, or set 0.0.0.0 or ::" $settings.http.host) -}}
{{- end -}}
{{- if and $isSingle (gt (int .Values.replicaCount) 1) -}}
{{- fail (printf "replicaCount is %d but config.placement.mode is single, where a second process takes the streams from the first: set replicaCount: 1 or placement.mode: group" (int .Values.replicaCount)) -}}
{{- end -}}
{{- if le (include "polaris-connector.gracePeriodSeconds" . | int) (include "polaris-connector.finishWithinSeconds" . | int) -}}
{{- fail (printf "terminationGracePeriodSeconds (%s) must be longer than config.shutdown.finishWithin (%s): otherwise Kubernetes kills the pod before its page is finished" (include "polaris-connector.gracePeriodSeconds" .) $settings.shutdown.finishWithin) -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor.enabled and podMonitor.enabled are both true, so that Prometheus would scrape each replica twice: enable one" -}}
{{- end -}}
{{- range $variable, $from := .Values.secretFiles }}
{{- if not (regexMatch "^[A-Z][A-Z0-9_]*$" $variable) }}
{{- fail (printf "secretFiles.%s must be the name of a variable: capital letters, digits and underscores" $variable) -}}
{{- end -}}
{{- if hasPrefix "AWS_" $variable }}
{{- fail (printf "secretFiles.%s: the AWS SDK does not read %s_FILE; use extraEnv with valueFrom.secretKeyRef, or serviceAccount.annotations for IRSA" $variable $variable) -}}
{{- end -}}
{{- end -}}
{{- end }}
