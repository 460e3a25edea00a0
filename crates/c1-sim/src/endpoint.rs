/// The endpoints of a tenant (docs/reference/conductorone.md §3.2, §3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the methods of BatonService")]
pub enum Endpoint {
    /// `POST /auth/v1/token`.
    Token,
    Hello,
    GetTask,
    GetTasks,
    Heartbeat,
    FinishTask,
    UploadAsset,
    StartDebugging,
}

impl Endpoint {
    pub(crate) fn from_path(path: &str) -> Option<Self> {
        if path == "/auth/v1/token" {
            return Some(Self::Token);
        }
        Some(
            match path.strip_prefix("/c1.connectorapi.baton.v1.BatonService/")? {
                "Hello" => Self::Hello,
                "GetTask" => Self::GetTask,
                "GetTasks" => Self::GetTasks,
                "Heartbeat" => Self::Heartbeat,
                "FinishTask" => Self::FinishTask,
                "UploadAsset" => Self::UploadAsset,
                "StartDebugging" => Self::StartDebugging,
                _ => return None,
            },
        )
    }
}
