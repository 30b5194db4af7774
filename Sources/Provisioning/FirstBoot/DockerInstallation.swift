/// How the first boot gets Docker on the node.
enum DockerInstallation: String, Sendable {
    case debian
    case script

    /// For the status file.
    var title: String {
        switch self {
        case .debian: "Debian's docker.io"
        case .script: "https://get.docker.com"
        }
    }
}
