{{- /* Checks that values.schema.json cannot express. Each message names the value and what to do. */}}
{{- define "polaris-connector.validate" -}}
{{- $settings := include "polaris-connector.settings" . | fromJson -}}
{{- $isSingle := eq $settings.placement.mode "single" -}}
{{- $image := .Values.image -}}
{{- $registry := $image.registry | default (dig "imageRegistry" "" (.Values.global | default dict)) -}}
{{- if not (or $registry (contains "/" $image.repository) (eq $image.pullPolicy "Never")) -}}
{{- fail "image.registry is missing: set it to the registry to which you pushed the image, such as registry.example/retail (docs/getting-started.md, \"Image\"); for an image that is on every node, set image.pullPolicy: Never" -}}
{{- end -}}
{{- if not .Values.config.connector -}}
{{- fail "config.connector is missing: set a name and never change it, because it is part of transactional ids, groups and checkpoint keys" -}}
{{- end -}}
{{- if contains "${" (.Values.config.connector | default "") -}}
{{- fail "config.connector must be a name, not a variable: alerts select by it" -}}
{{- end -}}
{{- if not (kindIs "float64" $settings.http.port) -}}
{{- fail "config.http.port must be a number, not a variable: probes and monitors need it" -}}
{{- end -}}
{{- if eq 0 (int $settings.http.port) -}}
{{- fail "config.http.port must not be 0 (a random port): probes and monitors need a fixed port" -}}
{{- end -}}
{{- if and $isSingle (gt (int .Values.replicaCount) 1) -}}
{{- fail (printf "replicaCount is %d but config.placement.mode is single, where a second process takes the streams from the first: set replicaCount: 1 or placement.mode: group" (int .Values.replicaCount)) -}}
{{- end -}}
{{- range $variable, $from := .Values.secretFiles }}
{{- if not (regexMatch "^[A-Z][A-Z0-9_]*$" $variable) }}
{{- fail (printf "secretFiles.%s must be the name of a variable: capital letters, digits and underscores" $variable) -}}
{{- end -}}
{{- if hasPrefix "AWS_" $variable }}
{{- fail (printf "secretFiles.%s: the AWS SDK does not read %s_FILE; use extraEnv with valueFrom.secretKeyRef, or serviceAccount.annotations for IRSA" $variable $variable) -}}
{{- end -}}
{{- end -}}
{{- include "polaris-connector.validateVariables" . -}}
{{- end }}

{{- /* Rejects variables that the connector does not read: those in secretFiles, and those in extraEnv with one of its prefixes. */}}
{{- define "polaris-connector.validateVariables" -}}
{{- $known := .Files.Get "config-variables.json" | fromJsonArray -}}
{{- range $reference := regexFindAll "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}" (.Values.config | toJson) -1 -}}
{{- $known = append $known (trimSuffix "}" (trimPrefix "${" $reference)) -}}
{{- end -}}
{{- $given := list -}}
{{- range $variable, $from := .Values.secretFiles }}{{ $given = append $given (dict "in" "secretFiles" "name" $variable) }}{{ end -}}
{{- range .Values.extraEnv }}{{ $given = append $given (dict "in" "extraEnv" "name" (trimSuffix "_FILE" (toString .name))) }}{{ end -}}
{{- range $given -}}
{{- $isOurs := regexMatch "^(POLARIS|KAFKA|POLL|CHECKPOINT|CONNECTOR)_" .name -}}
{{- $mustBeKnown := or $isOurs (and (eq .in "secretFiles") (empty $.Values.existingConfigMap.name)) -}}
{{- if and $mustBeKnown (not (has .name $known)) -}}
{{- fail (printf "%s.%s is not a variable of the connector, and config does not use ${%s}" .in .name .name) -}}
{{- end -}}
{{- end -}}
{{- end }}
