"""The tables of five workspaces, as the language service and duckdb-kql are told of them.

Columns and types: https://learn.microsoft.com/azure/azure-monitor/reference/tables/apimanagementgatewaylogs, …/azurediagnostics,
…/usage, …/apprequests, …/appdependencies, …/appexceptions; those that API Management adds to AzureDiagnostics follow the rule
of that page (a key of the record and `_s`, `_d`, `_b`).
"""

from __future__ import annotations

from collections.abc import Mapping


def _columns(**of_type: str) -> dict[str, str]:
    return {name: kind.rstrip("_") for kind, names in of_type.items() for name in names.split()}


SPECIFIC = _columns(
    datetime="TimeGenerated Timestamp",
    string="ApiId ApiRevision OperationId ProductId UserId ApimSubscriptionId OperationName BackendId BackendUrl BackendMethod "
    "BackendProtocol BackendRequestBody BackendResponseBody RequestBody ResponseBody Method Url ClientProtocol ClientTlsVersion "
    "CallerIpAddress Cache LastErrorMessage LastErrorReason LastErrorScope LastErrorSection LastErrorSource CorrelationId Region "
    "WorkspaceId TenantId Category _ResourceId _SubscriptionId Type SourceSystem _IsBillable",
    int="BackendResponseCode RequestSize ResponseSize ResponseCode",
    long="BackendTime ClientTime CacheTime TotalTime LastErrorElapsed",
    bool="IsRequestSuccess IsMasterTrace IsTraceAllowed IsTraceExpired IsTraceRequested",
    dynamic="BackendRequestHeaders BackendResponseHeaders RequestHeaders ResponseHeaders Errors TraceRecords",
    real="_BilledSize",
)
_OTHERS_DIAGNOSTICS = _columns(
    datetime="TimeGenerated",
    string="Category OperationName CorrelationId CallerIPAddress Level ResourceProvider ResourceType Resource ResourceGroup ResourceId "
    "SubscriptionId _ResourceId Type TenantId SourceSystem ResultType ResultSignature ResultDescription clientInfo_s",
    long="DurationMs",
    real="Level_d",
    dynamic="AdditionalFields",
)
DIAGNOSTICS = {
    **_OTHERS_DIAGNOSTICS,
    **_columns(
        string="apiId_s apiRevision_s apimSubscriptionId_s backendId_s backendMethod_s backendProtocol_s backendUrl_s cache_s "
        "clientProtocol_s clientTlsVersion_s DeploymentVersion_s errors_s lastError_message_s lastError_path_s lastError_reason_s "
        "lastError_section_s lastError_source_s lastError_scope_s method_s operationId_s productId_s userId_s url_s Region_s location_s Sku_s",
        real="backendResponseCode_d backendTime_d clientTime_d cacheTime_d lastError_elapsed_d lastError_transportErrorCode_d requestSize_d "
        "responseCode_d responseSize_d truncated_d",
        bool="isRequestSuccess_b",
    ),
}
USAGE = _columns(
    datetime="TimeGenerated StartTime EndTime",
    string="Computer DataType QuantityUnit ResourceUri Solution TenantId Type MeterId",
    bool="IsBillable",
    real="Quantity AvgLatencyInSeconds BatchesCapped BatchesOutsideSla BatchesWithinSla TotalBatches",
)
_APP = _columns(
    datetime="TimeGenerated",
    string="OperationId OperationName ParentId AppRoleName AppRoleInstance AppVersion ClientIP ClientType SessionId UserId SDKVersion IKey "
    "ResourceGUID TenantId Type SourceSystem _ResourceId _SubscriptionId",
    dynamic="Properties Measurements",
    int="ItemCount",
)
INSIGHTS = {
    "AppRequests": {
        **_APP,
        **_columns(string="Id Name Url Source ResultCode PerformanceBucket", bool="Success", real="DurationMs"),
    },
    "AppDependencies": {
        **_APP,
        **_columns(
            string="Id Name Target Data DependencyType ResultCode PerformanceBucket", bool="Success", real="DurationMs"
        ),
    },
    "AppExceptions": {
        **_APP,
        **_columns(
            string="ProblemId HandledAt ExceptionType Assembly Method OuterType OuterMessage OuterAssembly OuterMethod InnermostType "
            "InnermostMessage InnermostAssembly InnermostMethod",
            int="SeverityLevel",
            dynamic="Details",
        ),
    },
}

WORKSPACES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "both": {"ApiManagementGatewayLogs": SPECIFIC, "AzureDiagnostics": DIAGNOSTICS, "Usage": USAGE},
    "specific": {"ApiManagementGatewayLogs": SPECIFIC, "Usage": USAGE},
    "legacy": {"AzureDiagnostics": DIAGNOSTICS, "Usage": USAGE},
    "neither": {"Usage": USAGE},
    "of others": {"AzureDiagnostics": _OTHERS_DIAGNOSTICS, "Usage": USAGE},
}
"""Name: tables. In the last, only other services write to AzureDiagnostics: it has none of API Management's columns."""
