// swift-tools-version:6.2
import PackageDescription

// Coverage-guided fuzzing of everything that reads a stranger's bytes; built and run by scripts/fuzz. `Sources` holds links to the rooms.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

func library(_ name: String, _ pkgConfig: String, _ package: String) -> Target {
    .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

func fuzzer(_ name: String, _ room: Target.Dependency) -> Target {
    .executableTarget(
        name: name, dependencies: [room], path: "Sources/\(name)",
        // libFuzzer brings its own main
        swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])
}

let package = Package(
    name: "hongyan-fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        library("CCurl", "libcurl", "libcurl4-openssl-dev"),
        library("CGMime", "gmime-3.0", "libgmime-3.0-dev"),
        library("CMark", "libcmark", "libcmark-dev"),
        library("CIDN", "libidn2", "libidn2-dev"),
        .target(name: "Domain", path: "Sources/Domain", swiftSettings: strict),
        .target(name: "Formats", dependencies: ["Domain", "CGMime", "CMark", "CIDN"], path: "Sources/Formats", swiftSettings: strict),
        .target(
            name: "Transport",
            dependencies: [
                "Domain", "CCurl", .product(name: "Logging", package: "swift-log"), .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "_CryptoExtras", package: "swift-crypto"),
            ], path: "Sources/Transport",
            swiftSettings: strict),
        fuzzer("FuzzMail", "Formats"), fuzzer("FuzzReport", "Formats"), fuzzer("FuzzIMAP", "Transport"), fuzzer("FuzzSMTP", "Transport"),
    ]
)
