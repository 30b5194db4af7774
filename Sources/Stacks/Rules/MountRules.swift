import Text
import Diagnostics
import Recipes

/// Bind mounts. The swarm does not make what they name: where it is missing, the task is rejected again and again.
struct MountRules {
    private(set) var problems: ComposeProblems

    init(_ problems: ComposeProblems) { self.problems = problems }

    mutating func validate(_ service: ComposeValue.Entry) {
        let path = "services.\(service.key.value).volumes"
        for (index, item) in (service.value["volumes"]?.items ?? []).enumerated() {
            guard let volume = ServiceVolume(item), volume.isBind, let source = volume.source,
                !ComposeVariables.has(source.value), !source.value.begins(with: "/"), !source.value.begins(with: "~")
            else { continue }
            problems.error(
                at: source.location, "\(path)[\(index)]",
                "\(source.value) is on this machine only, and a bind mount needs it on every node that may run the service: "
                    + "name the file under the top-level configs (file: \(source.value)), and the config in the service's configs"
            )
        }
    }

    /// The absolute paths that the services of a file mount, with their places.
    static func paths(in file: ComposeValue) -> [(service: String, path: Located<String>)] {
        (file["services"]?.entries ?? []).flatMap { service in
            (service.value["volumes"]?.items ?? []).compactMap { item in
                guard let volume = ServiceVolume(item), volume.isBind, let source = volume.source,
                    source.value.begins(with: "/"), !ComposeVariables.has(source.value)
                else { return nil }
                return (service.key.value, source)
            }
        }
    }
}
