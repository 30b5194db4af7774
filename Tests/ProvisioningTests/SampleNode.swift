import Diagnostics
import Provisioning
import Systems
import Text

@testable import Recipes

/// Recipes, images and secrets that the tests share.
enum Sample {
    /// The flavours that have a sample here.
    static let flavours: [OSProfile.Flavour] = [.hypriotCloudInit, .raspberryPiOSCloudInit, .ubuntuCloudInit]

    static let here = Location(file: "red01.yaml", line: 1, column: 1)
    static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7n1xk6cVbmQx7u3c0yV0m1y2y3y4y5y6y7y8y9y0yA me@host"
    static let token =
        "SWMTKN-1-0abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklm-0abcdefghijklmnopqrstuvwx"
    /// 2026-08-17T10:15:00Z
    static let flashTime: Int64 = 1_786_961_700

    static func at<Value>(_ value: Value, line: Int = 1) -> Located<Value> {
        Located(value, at: Location(file: "red01.yaml", line: line, column: 1))
    }

    /// - Parameter rule: The rule of the recipe's key, as the decoder gives it to the secret.
    static func secret(_ value: String, _ rule: ValueRule = .text, line: Int = 1) -> Secret {
        Secret(.literal(value), at: Location(file: "red01.yaml", line: line, column: 1), rule: rule)
    }

    static func bare(_ hostname: String = "red01") -> Node {
        Node(
            hostname: at(hostname),
            user: Node.User(
                name: at("pirate"), password: secret("hypriot", .password),
                sshAuthorizedKeys: [secret(key, .authorizedKeys)]),
            recipeDigest: String(repeating: "ab", count: 32), recipePath: "recipes/red/red01.yaml")
    }

    /// A node that uses everything a recipe can say.
    static func full() -> Node {
        var node = bare()
        node.user?.groups = [at("docker"), at("dialout")]
        node.wifi = Node.WiFi(
            country: at("DE"),
            networks: [
                Node.WiFiNetwork(ssid: at("lab"), passphrase: secret("correct horse", .passphrase)),
                Node.WiFiNetwork(
                    ssid: at("Café \"2\""), passphrase: secret(String(repeating: "0F", count: 32), .passphrase),
                    hidden: true),
                Node.WiFiNetwork(ssid: at("guests")),
            ])
        node.address = at(Node.StaticAddress(address: "192.168.50.11", prefixLength: 24))
        node.network = Node.Network(gateway: at("192.168.50.1"), dns: [at("192.168.50.1"), at("9.9.9.9")])
        node.locale = Node.Locale(timezone: at("Europe/Berlin"), lang: at("en_GB.UTF-8"), keyboard: at("de"))
        node.docker = Node.Docker(
            daemon: [
                .init(name: at("storage-driver"), value: at(.string("overlay2"))),
                .init(name: at("labels"), value: at(.array([.string("rack=red")]))),
                .init(
                    name: at("log-opts"),
                    value: at(.object([.init("max-size", .string("10m")), .init("max-file", .string("3"))]))),
            ], registry: .init(mirror: at("http://192.168.50.2:5000"), insecure: true), location: here)
        node.swarm = Node.Swarm(
            managers: [at("192.168.50.10"), at("red00.local:2377")], role: .worker, token: secret(token, .joinToken),
            location: here
        )
        node.firstBoot = Node.FirstBoot(
            packages: [at("mosquitto"), at("avahi-daemon")],
            files: [.init(path: at("/etc/motd"), content: secret("red rack\n", .fileContent))],
            run: [at("echo hello > /root/hello"), at("echo 'two'; exit 3")])
        return node
    }

    static func profile(_ flavour: OSProfile.Flavour) -> OSProfile {
        switch flavour {
        case .hypriotCloudInit:
            OSProfile(
                flavour: flavour, release: "v1.12.3", bootMountPoint: "/boot", architecture: "armv7",
                docker: .init(version: "19.03.12"))
        case .raspberryPiOSCloudInit:
            OSProfile(
                flavour: flavour, release: "2025-11-24", bootMountPoint: "/boot/firmware", architecture: "arm64")
        case .ubuntuCloudInit:
            OSProfile(flavour: flavour, bootMountPoint: "/boot/firmware", cmdlinePath: "current/cmdline.txt")
        default: fatalError("no sample of \(flavour)")
        }
    }

    static func boot(_ flavour: OSProfile.Flavour) -> BootSnapshot {
        switch flavour {
        case .hypriotCloudInit:
            snapshot(
                label: "HypriotOS",
                [
                    "cmdline.txt":
                        "console=tty1 root=PARTUUID=11223344-02 rootfstype=ext4 cgroup_enable=cpuset cgroup_enable=memory swapaccount=1 rootwait quiet init=/usr/lib/raspi-config/init_resize.sh\n",
                    "user-data": "#cloud-config\n", "meta-data": "instance-id: pirate001\n",
                    "network-config": "version: 1\n", "fake-hwclock.data": "2020-07-02 12:00:00\n",
                ])
        case .raspberryPiOSCloudInit:
            snapshot(
                label: "bootfs",
                [
                    "cmdline.txt": "console=serial0,115200 console=tty1 root=PARTUUID=11223344-02 rootwait resize",
                    "user-data": "", "meta-data": "instance_id: rpios-image\n", "network-config": "",
                ])
        case .ubuntuCloudInit:
            snapshot(
                label: "system-boot",
                ["current/cmdline.txt": "console=tty1 root=LABEL=writable rootwait fixrtc\n", "user-data": ""])
        default: fatalError("no sample of \(flavour)")
        }
    }

    static func snapshot(label: String? = nil, _ files: [String: String]) -> BootSnapshot {
        BootSnapshot(
            label: label, names: Set(files.keys.map { $0.contains("/") ? String($0.prefix { $0 != "/" }) + "/" : $0 }),
            files: files.mapValues { Array($0.utf8) })
    }

    static func provisioner(flashTime: Int64 = flashTime) -> Provisioner {
        Provisioner(
            saltKey: Array("a rack's secret".utf8), flashTime: flashTime,
            image: ImageIdentity(name: "hypriotos.img.zip", digest: String(repeating: "cd", count: 32)),
            piflashVersion: "1.0.0")
    }

    static func provision(
        _ node: Node, _ flavour: OSProfile.Flavour, boot: BootSnapshot? = nil,
        secrets: any SecretReading = UnreadSecrets()
    ) async throws -> Provision {
        try await provisioner().provision(
            node, profile: profile(flavour), boot: boot ?? self.boot(flavour), supplies: supplies(of: node),
            secrets: secrets)
    }
}

extension Provision {
    func text(_ path: String) -> String? {
        bootFiles.first { $0.path == path }.map { String(decoding: $0.contents, as: UTF8.self) }
    }

    func node(_ path: String) -> NodeFile? { nodeFiles.first { $0.path == path } }
}

extension BootSnapshot {
    /// The partition after a provision has been written to it.
    func applying(_ provision: Provision) -> BootSnapshot {
        var after = self
        for path in provision.removedBootFiles {
            after.files[path] = nil
            after.names.remove(path)
        }
        for file in provision.bootFiles {
            after.files[file.path] = file.contents
            after.names.insert(file.path.contains("/") ? String(file.path.prefix { $0 != "/" }) + "/" : file.path)
        }
        return after
    }
}
