import Diagnostics
import Recipes

/// The files that a compose file names.
enum ComposeFiles {
    struct Named {
        let path: String
        let location: Location
        /// "services.web.env_file"
        let key: String
        let use: StackFile.Use
    }

    /// Those that docker reads while it deploys the stack.
    static func named(by file: ComposeValue) -> [Named] {
        var named: [Named] = []
        for service in file["services"]?.entries ?? [] {
            for value in service.value["env_file"]?.texts ?? [] {
                guard let path = value.text else { continue }
                named.append(
                    Named(
                        path: path, location: value.location, key: "services.\(service.key.value).env_file",
                        use: .environment))
            }
        }
        for (section, use) in [("configs", StackFile.Use.config), ("secrets", .secret)] {
            for entry in file[section]?.entries ?? [] {
                guard let value = entry.value["file"], let path = value.text else { continue }
                named.append(
                    Named(path: path, location: value.location, key: "\(section).\(entry.key.value).file", use: use))
            }
        }
        return named
    }
}
