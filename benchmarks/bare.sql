-- The same counting written by hand for one shape: what DuckDB needs at the least.
WITH record AS (
    SELECT time, location, resourceId, properties.backendUrl AS url, properties.backendResponseCode AS answered,
           properties.lastError AS last_error, properties.errors AS errors
    FROM read_json($path, format = 'newline_delimited', columns = {
        time: 'VARCHAR', location: 'VARCHAR', resourceId: 'VARCHAR',
        properties: 'STRUCT(backendUrl VARCHAR, backendResponseCode VARCHAR, lastError VARCHAR, errors VARCHAR)'})
)
SELECT resourceId, location, regexp_extract(url, '^[a-z]+://([^/:?]+)', 1) AS host, time[:13] AS hour,
       count(*) AS requests,
       count(*) FILTER (contains(last_error, 'BackendConnectionFailure') OR contains(errors, 'BackendConnectionFailure')) AS failures,
       max(time) FILTER (answered IS NOT NULL) AS last_success
FROM record GROUP BY ALL
