//! The service as a program of its own.

fn main() -> std::process::ExitCode {
    kv_service::main()
}
