package main

// The schemas that ours may import, each a Go package that registers its descriptor when linked. To import another,
// add its Go package here.
import (
	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate" // buf/validate
	_ "google.golang.org/genproto/googleapis/api/annotations"                   // google/api
	_ "google.golang.org/protobuf/types/descriptorpb"                           // google/protobuf
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)
