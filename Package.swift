// swift-tools-version: 6.2
import PackageDescription

/// Set by `make fuzz` only (Tests/Fuzz/run): the path of libFuzzer without a main function. The package's own code is
/// then built with its counters, and the fuzzer is the only product of use.
let libFuzzer = Context.environment["PIFLASH_LIBFUZZER"]

/// Language mode 6 with the stricter import and existential rules; a warning never lands.
let strict: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ] + (libFuzzer == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer"])])

let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

// Debian has ISA-L on amd64 and arm64; `Images` goes without it elsewhere.
#if arch(x86_64) || arch(arm64)
    let isal: [Target] = [
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])])
    ]
#else
    let isal: [Target] = []
#endif

/// Every parser of foreign bytes: an ordinary test that replays the corpus, or the fuzzer.
let fuzzedModules: [Target.Dependency] = [
    "Diagnostics", "Text", "Host", "Storage", "Filesystems", "Images", "Systems", "Recipes", "Docker", "Stacks",
    "Provisioning", "Planning", "Racks", "Remote", "Setups", "Labels", "PiflashCommands", "TestSupport", systemPackage,
]
let fuzz: Target =
    if let libFuzzer {
        .executableTarget(
            name: "fuzz", dependencies: fuzzedModules, path: "Tests/Fuzz", exclude: ["Replay", "run"],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags([libFuzzer]), .linkedLibrary("stdc++"), .linkedLibrary("m")])
    } else {
        .testTarget(
            name: "FuzzTests", dependencies: fuzzedModules, path: "Tests/Fuzz", exclude: ["LibFuzzer", "run"],
            swiftSettings: strict)
    }

let package = Package(
    name: "piflash",
    products: [.executable(name: "piflash", targets: ["piflash"])],
    // Exact versions: a program that writes root file systems says what it is built from, and Package.resolved, which
    // names commits, is not kept (a mirror of these packages has other commits than GitHub has).
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
    ],
    targets: isal + [fuzz] + [
        // System libraries: module maps, with a shim only where Swift cannot import a macro.
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CBlkid", pkgConfig: "blkid", providers: [.apt(["libblkid-dev"])]),
        .systemLibrary(name: "CExt2fs", pkgConfig: "ext2fs", providers: [.apt(["libext2fs-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLZMA", pkgConfig: "liblzma", providers: [.apt(["liblzma-dev"])]),
        .systemLibrary(name: "CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),
        .target(name: "CLinux"),

        // The floors, lowest first: a target imports only what stands above it in this list.
        .target(name: "Diagnostics", swiftSettings: strict),
        .target(name: "Text", dependencies: ["Diagnostics", crypto], swiftSettings: strict),
        .target(name: "Host", dependencies: ["CLinux", "Diagnostics", systemPackage], swiftSettings: strict),
        .target(
            name: "Storage", dependencies: ["CLinux", "Diagnostics", "Host", systemPackage], swiftSettings: strict),
        .target(
            name: "Filesystems",
            dependencies: ["CBlkid", "CExt2fs", "Diagnostics", "Text", "Host", "Storage", systemPackage],
            swiftSettings: strict),
        .target(
            name: "Images",
            dependencies: [
                "CArchive", "CLZMA", "CZlib", "Diagnostics", "Text", "Host", "Storage", "Filesystems", systemPackage,
                crypto,
            ] + isal.map { .target(name: $0.name) },
            swiftSettings: strict),
        .target(name: "Systems", dependencies: ["Diagnostics", "Text", "Filesystems"], swiftSettings: strict),
        .target(
            name: "Recipes", dependencies: ["Diagnostics", "Text", "Host", systemPackage, crypto, subprocess, yams],
            swiftSettings: strict),
        .target(name: "Docker", dependencies: ["Diagnostics", "Text"], swiftSettings: strict),
        .target(
            name: "Stacks", dependencies: ["Diagnostics", "Text", "Host", "Recipes", "Docker", systemPackage],
            resources: [.embedInCode("Schema/compose.json")], swiftSettings: strict),
        .target(
            name: "Provisioning",
            dependencies: [
                "CCrypt", "Diagnostics", "Text", "Filesystems", "Systems", "Recipes", "Docker", "Stacks", crypto,
                cryptoExtras,
            ],
            resources: [
                "head", "lib", "clock", "system", "service", "docker", "packages", "kernel", "install", "preload",
                "token", "time", "swarm", "stacks", "form", "classic", "account", "files", "wipe", "checks", "main",
                "token-service", "seed",
            ].map { .embedInCode("FirstBoot/\($0).sh") },
            swiftSettings: strict),
        .target(
            name: "Cards",
            dependencies: ["CLinux", "Diagnostics", "Text", "Host", "Storage", "Filesystems", systemPackage],
            swiftSettings: strict),
        .target(
            name: "Planning",
            dependencies: [
                "Diagnostics", "Text", "Host", "Storage", "Filesystems", "Images", "Systems", "Recipes",
                "Stacks", "Provisioning", systemPackage,
            ],
            swiftSettings: strict),
        .target(
            name: "Racks",
            dependencies: [
                "Diagnostics", "Text", "Host", "Storage", "Filesystems", "Images", "Systems", "Recipes", "Stacks",
                "Provisioning",
                "Cards", "Planning", systemPackage, crypto, cryptoExtras, x509, asn1,
            ],
            swiftSettings: strict),
        .target(
            name: "Remote",
            dependencies: [
                "Diagnostics", "Text", "Systems", "Recipes", "Docker", "Stacks", "Provisioning", systemPackage,
                subprocess,
            ],
            resources: ["probe", "daemon", "status", "membership"].map { .embedInCode("Scripts/\($0).sh") },
            swiftSettings: strict),
        .target(
            name: "Templates", path: "templates",
            resources: ["classroom/class.yaml", "classroom/students.csv", "rack/rack.yaml", "single/pi.yaml"]
                .map { .embedInCode($0) },
            swiftSettings: strict),
        .target(
            name: "Setups", dependencies: ["Diagnostics", "Text", "Recipes", "Templates"], swiftSettings: strict),
        .target(
            name: "Labels", dependencies: ["Diagnostics", "Text", "Recipes", mustache],
            resources: ["labels", "hand-outs"].map { .embedInCode("Templates/\($0).mustache") },
            swiftSettings: strict),
        .target(
            name: "PiflashCommands",
            dependencies: [
                "Labels", "Setups",
                "Diagnostics", "Text", "Host", "Storage", "Filesystems", "Images", "Systems", "Recipes", "Docker",
                "Stacks", "Provisioning", "Cards", "Planning", "Racks", "Remote", "CLinux", systemPackage,
                argumentParser,
            ],
            swiftSettings: strict),
        .executableTarget(name: "piflash", dependencies: ["PiflashCommands", argumentParser], swiftSettings: strict),

        // Scratch directories, card images and outside tools that the tests share.
        .target(
            name: "TestSupport", dependencies: ["Cards", "Diagnostics", "Host", "Storage", systemPackage],
            path: "Tests/TestSupport",
            swiftSettings: strict),
        .testTarget(
            name: "DiagnosticsTests", dependencies: ["Diagnostics", "Host", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "TextTests", dependencies: ["Diagnostics", "Text", "TestSupport", systemPackage],
            swiftSettings: strict),
        .testTarget(
            name: "HostTests", dependencies: ["Diagnostics", "Host", "TestSupport", systemPackage],
            swiftSettings: strict),
        .testTarget(
            name: "StorageTests", dependencies: ["Diagnostics", "Host", "Storage", "TestSupport", systemPackage],
            swiftSettings: strict),
        .testTarget(
            name: "FilesystemsTests",
            dependencies: ["Diagnostics", "Storage", "Filesystems", "TestSupport", systemPackage],
            swiftSettings: strict),
        .testTarget(
            name: "ImagesTests",
            dependencies: [
                "Diagnostics", "Host", "Storage", "Filesystems", "Images", "Systems", "TestSupport", systemPackage,
                crypto,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SystemsTests", dependencies: ["Diagnostics", "Filesystems", "Systems", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RecipesTests",
            dependencies: ["Diagnostics", "Text", "Host", "Recipes", "TestSupport", systemPackage, yams],
            swiftSettings: strict),
        .testTarget(
            name: "DockerTests", dependencies: ["Diagnostics", "Text", "Docker", "TestSupport"],
            resources: [.copy("Resources")], swiftSettings: strict),
        .testTarget(
            name: "StacksTests",
            dependencies: ["Diagnostics", "Text", "Docker", "Recipes", "Stacks", "TestSupport", systemPackage],
            swiftSettings: strict),
        .testTarget(
            name: "ProvisioningTests",
            dependencies: [
                "Diagnostics", "Docker", "Filesystems", "Host", "Systems", "Recipes", "Stacks", "Provisioning",
                "TestSupport",
                systemPackage, yams, crypto,
            ],
            resources: [.copy("Golden")], swiftSettings: strict),
        .testTarget(
            name: "CardsTests",
            dependencies: ["Diagnostics", "Host", "Storage", "Filesystems", "Cards", "TestSupport", systemPackage],
            swiftSettings: strict),
        .testTarget(
            name: "PlanningTests",
            dependencies: [
                "Diagnostics", "Host", "Storage", "Filesystems", "Images", "Systems", "Recipes", "Provisioning",
                "Planning", "TestSupport", systemPackage,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RacksTests",
            dependencies: [
                "Diagnostics", "Host", "Storage", "Filesystems", "Images", "Recipes", "Provisioning", "Cards",
                "Planning", "Racks", "TestSupport", systemPackage,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RemoteTests",
            dependencies: ["Diagnostics", "Text", "Recipes", "Remote", "TestSupport", systemPackage],
            swiftSettings: strict),
        // Real engines and a real sshd in namespaces, with the files of the cards.
        .testTarget(
            name: "SwarmTests",
            dependencies: [
                "Diagnostics", "Filesystems", "Host", "Images", "Systems", "Provisioning", "Racks", "Recipes", "Stacks",
                "TestSupport", systemPackage,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LabelsTests",
            dependencies: ["Diagnostics", "Host", "Recipes", "Labels", "TestSupport", systemPackage],
            swiftSettings: strict),
        .testTarget(
            name: "SetupsTests", dependencies: ["Diagnostics", "Setups", "TestSupport", systemPackage],
            swiftSettings: strict),
        .testTarget(
            name: "PiflashCommandsTests",
            dependencies: [
                "Diagnostics", "Host", "PiflashCommands", "Racks", "Setups", "TestSupport", "piflash", systemPackage,
                argumentParser,
            ],
            swiftSettings: strict),
        // What make and the scripts promise.
        .testTarget(
            name: "RepositoryTests", dependencies: ["TestSupport", "piflash", systemPackage], swiftSettings: strict),
    ]
)
