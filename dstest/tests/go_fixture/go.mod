module example.org/fixture

go 1.19
