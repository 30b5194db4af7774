import FoundationEssentials
import Recipes
import Stacks
import Text

/// The shell script that deploys a stack on a manager. Its files are there only meanwhile, in a directory that nobody else
/// can enter.
enum StackScript {
    static func text(_ source: StackSource, variables: [String: String]) -> String {
        let name = shellQuoted(source.stack.name.value)
        let exports = variables.sorted { $0.key < $1.key }.map { "export \($0.key)=\(shellQuoted($0.value))\n" }
            .joined()
        let compose = String(decoding: source.compose, as: UTF8.self)
        if source.files.isEmpty {
            return exports + "printf '%s' \(shellQuoted(compose)) | docker stack deploy -c - \(name)\n"
        }
        var lines = ["directory=$(umask 077 && mktemp -d) || return"]
        var made: Set<String> = []
        for file in source.files {
            let parent = file.path.split(at: "/").dropLast().joined(separator: "/")
            if !parent.isEmpty, made.insert(parent).inserted {
                lines.append("mkdir -p \"$directory\"/\(shellQuoted(parent)) || return")
            }
            lines.append(write(file.contents, to: file.path))
        }
        lines.append(write(source.compose, to: composeName))
        lines += [
            "code=0", "(", exports + "exec docker stack deploy -c \"$directory/\(composeName)\" \(name) </dev/null",
            ") || code=$?",
            "rm -rf \"$directory\"", "return \"$code\"",
        ]
        return lines.map { $0 + "\n" }.joined()
    }

    /// Not a name that a file beside a compose file has.
    private static let composeName = ".piflash-stack.yml"

    /// In base64: a config may hold any bytes.
    private static func write(_ contents: [UInt8], to path: String) -> String {
        "printf %s \(Data(contents).base64EncodedString()) | base64 -d >\"$directory\"/\(shellQuoted(path)) || return"
    }
}
